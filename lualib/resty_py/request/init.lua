-- A request: one plain table from head to access log.
--
-- Rules:
--
-- 1. What every request sets is in the table from the start, so that it need
--    not grow; what few set is read from DEFAULTS until then.
-- 2. Making the table costs by its fields, so no other has a place in it.
--
--   downstream, connection, listener, settings   where it came from
--   head          what was parsed (http/head.lua)
--   fields        its header lines, once changed (headers.lua)
--   method, version, uri, args   $request_method, 11 | 10 | 9, $uri, $args
--   phase         the phase whose handler runs, as ngx.get_phase says
--   start_mono, start_wall   when its head was complete
--   entry         the phase's entry thread
--   alive         light threads not yet ended
--   threads       set of spawned light threads, nil until the first
--   sockets       array of cosockets made for it, and of what else is released
--                 with it (hold()), nil until the first
--   ctx           ngx.ctx, nil until used
--   world         where its code runs if lua_code_cache is off: fresh.lua
--   vars, captures   see variables.lua
--   id            $request_id, nil until used
--   over          called when the last light thread has ended
--   abandon       ends it without another word to the client
--   internal      whether its URI was rewritten
--   server, location   records in force (program/); settings are the
--                 location's
--   content       kind of the content handler, nil for static files
--   steps, step   what the phases have in store, and where it is: steps.lua
--   uri_changes   internal redirects left; uri_changed: a location is to be
--                 found anew
--   parent        of a subrequest (subrequest.lua); pending: how many it has;
--                 live: how many there are below it
--   entries       counts the handlers that were ended from outside
--   access_code, access_granted   see access.lua
--   err_status, in_error_page     see finalize.lua
--   terminated    true once it is being ended from outside its threads
--   response fields: see http/response.lua; body fields: see body.lua

local clock = require "resty_py.clock"

local setmetatable = setmetatable

-- NGX_HTTP_MAX_URI_CHANGES and one.
local URI_CHANGES = 11

-- Fields that are nil by default are not named.
local DEFAULTS = {
    entries = 0,
    internal = false,
    uri_changes = URI_CHANGES,
    uri_changed = false,
    uri_rewritten = false,
    add_uri_to_alias = false,
    access_granted = false,
    in_error_page = false,

    allow_ranges = false,
    local_redirect = false,
    body_over = false,
    filter_failed = false,
    header_only = false,
    buffering = false,
    is_streamed = false,
    varies = false,
    deflater = false,

    body_state = "none",
    received = 0,
    body_left = 0,
    linger = false,
}
DEFAULTS.__index = DEFAULTS

local _M = {defaults = DEFAULTS}


-- head: as http/head.lua gives it; server: of program/init.lua.
function _M.new(downstream, head, server)
    local record = server.base
    local settings = record.settings
    local r = setmetatable({
        downstream = downstream,
        connection = downstream.connection,
        server = server,
        location = record,
        settings = settings,
        head = head,
        method = head.method,
        version = head.version,
        uri = head.line.uri,
        args = head.line.args,
        phase = "content",
        content = nil,
        steps = nil,
        step = 0,
        start_mono = clock.mono,
        start_wall = clock.wall,
        entry = nil,
        alive = 0,
        over = nil,
        terminated = false,
        keepalive = head.keepalive
            and downstream.requests < settings.keepalive_requests,

        status = 0,
        content_type = nil,
        content_length = nil,
        headers = nil,
        headers_sent = false,
        chunked = false,
        eof = false,
        -- As many places as the pieces of a short response.
        out = {nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
        out_n = 0,
        out_size = 0,
        body_sent = 0,
        head_size = 0,
        sent = 0,
    }, DEFAULTS)
    local length = head.content_length
    if length and length > 0 or head.chunked then
        r.body_state = "unread"
        r.body_left = length or 0
    end
    if head.expect then
        r.expecting = true
    end
    return r
end


-- Has item:release() called when r has ended.
function _M.hold(r, item)
    local held = r.sockets
    if held then
        held[#held + 1] = item
    else
        r.sockets = {item}
    end
end


return _M
