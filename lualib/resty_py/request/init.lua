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
--   terminated    true once it is being ended from outside its threads
--   response fields: see http/response.lua; body fields: see body.lua

local clock = require "resty_py.clock"

local setmetatable = setmetatable

local Request = {}
Request.__index = Request

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
        exit_code = nil,
        on_abort = nil,

        status = 0,
        headers = nil,
        content_type = nil,
        content_length = nil,
        headers_sent = false,
        header_only = false,
        chunked = false,
        buffering = false,
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
