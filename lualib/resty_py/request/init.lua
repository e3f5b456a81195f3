-- A request: one plain table from head to access log.
--
-- Every field is set here, so that none is added while it is served.
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
--   sockets       array of cosockets made for it, nil until the first
--   ctx           ngx.ctx, nil until used
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
--   parent        of a subrequest (subrequest.lua); pending: how many it has
--   entries       counts the handlers that were ended from outside
--   access_code, access_granted   see access.lua
--   err_status, in_error_page     see finalize.lua
--   terminated    true once it is being ended from outside its threads
--   response fields: see http/response.lua; body fields: see body.lua

local clock = require "resty_py.clock"

local setmetatable = setmetatable

local Request = {}
Request.__index = Request

-- NGX_HTTP_MAX_URI_CHANGES and one.
local URI_CHANGES = 11

local _M = {}


-- head: as http/head.lua gives it.
function _M.new(downstream, head)
    local settings = downstream.settings
    return setmetatable({
        downstream = downstream,
        connection = downstream.connection,
        settings = settings,
        head = head,
        fields = nil,
        method = head.method,
        version = head.version,
        uri = head.line.uri,
        args = head.line.args,
        phase = "content",
        main = nil,
        parent = nil,
        server = nil,
        location = nil,
        content = nil,
        steps = nil,
        step = 0,
        uri_changes = URI_CHANGES,
        uri_changed = false,
        entries = 0,
        access_code = nil,
        access_granted = false,
        err_status = nil,
        in_error_page = false,
        echo = nil,
        start_mono = clock.mono,
        start_wall = clock.wall,
        entry = nil,
        alive = 0,
        over = nil,
        abandon = nil,
        threads = nil,
        sockets = nil,
        ctx = nil,
        vars = nil,
        captures = nil,
        id = nil,
        terminated = false,
        internal = false,
        on_abort = nil,

        status = 0,
        headers = nil,
        content_type = nil,
        content_length = nil,
        last_modified = nil,
        allow_ranges = false,
        ranges = nil,
        uri_rewritten = false,
        add_uri_to_alias = false,
        local_redirect = false,
        body_over = false,
        filter_failed = false,
        filter_exit = nil,
        headers_sent = false,
        header_only = false,
        chunked = false,
        buffering = false,
        is_streamed = false,
        eof = false,
        keepalive = head.keepalive
            and downstream.requests < settings.keepalive_requests,
        out = {},
        out_n = 0,
        out_size = 0,
        body_sent = 0,
        head_size = 0,
        sent = 0,
        raw_socket = nil,

        body_state = head.content_length and head.content_length > 0
            and "unread" or head.chunked and "unread" or "none",
        received = 0,
        body_left = head.content_length or 0,
        body_data = nil,
        body_file = nil,
        body_file_owned = nil,
        body_sink = nil,
        body_socket = nil,
        discarder = nil,
        beyond_body = nil,
        chunk_state = nil,
        linger = false,
        expecting = head.expect,
    }, Request)
end


return _M
