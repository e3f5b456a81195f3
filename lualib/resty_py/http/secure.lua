-- The handshake of a client: what a downstream does before it awaits a head
-- where its endpoint speaks TLS.
--
--   begin(downstream, timeout)    awaits the client's first byte, `timeout`
--                        seconds or as long as it has
--   refusal(r)           the status of a request that its client's certificate,
--                        or the lack of TLS, keeps from being served | nil
--
-- Rules:
--
-- 1. The first byte tells TLS from plain HTTP, which gets an answer that says
--    so.
-- 2. Where the handshake is suspended, a handler of the configuration runs
--    (request/handshake.lua); when it has ended the handshake goes on. Nothing
--    calls Lua out of OpenSSL.
-- 3. The server is chosen by the name in the client's hello, after
--    ssl_client_hello_by_lua of the default server has run.
-- 4. All of it takes client_header_timeout at most; a handler that waits for
--    longer is ended.
--
-- Follows ngx_http_ssl_handshake, ngx_http_ssl_servername and
-- ngx_http_lua_ssl_cert_handler.

local deadlines = require "resty_py.scheduler.deadlines"
local handshake = require "resty_py.request.handshake"
local log = require "resty_py.log"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"
local tls_connection = require "resty_py.net.tls"

local byte = string.byte
local arm = deadlines.arm
local find = string.find
local format = string.format
local ipairs = ipairs
local lower = string.lower
local setmetatable = setmetatable
local sub = string.sub
local tls = native.tls

local TIMEOUT = scheduler.TIMEOUT

-- Content type of the first record, and the least first byte of a hello of
-- SSL 2.
local HANDSHAKE, SSL2 = 22, 128

local ALERT_INTERNAL_ERROR, ALERT_UNRECOGNIZED_NAME = 80, 112

local MISDIRECTED = 421
local CERTIFICATE_ERROR, NO_CERTIFICATE, PLAIN_HTTP = 495, 496, 497

-- What nginx is doing in a handshake, and when it first looks at a request.
local TIMED_OUT = "client timed out (110: Connection timed out)"
local SHAKING = " while SSL handshaking"
local HANDLING = {
    ssl_client_hello = " while loading SSL client hello by lua",
    ssl_session_fetch = " while fetching SSL session by lua",
    ssl_cert = " while loading SSL certificate by lua",
}
local DOING = " while reading client request headers"

-- What is wrong with a certificate where no authority is known for it:
-- ngx_ssl_verify_error_optional.
local OF_NO_CA = {[18] = true, [19] = true, [20] = true, [21] = true}

-- Extensions of a hello.
local SERVER_NAME_EXTENSION, SUPPORTED_VERSIONS = 0, 43
local TLS1_3 = 0x0304

local _M = {hooks = {}}


-- Handshakes -----------------------------------------------------------------


local shake


local function await_reader(self)
    self.parked = true
    self.connection.reader = self
end


local WAITS = {
    read = function(self)
        self.connection.readable = false
        return await_reader(self)
    end,
    write = function(self)
        self.connection.writable = false
        self.parked = true
        self.connection.writer = self
    end,
}


-- Waits, while a handler does, for the client's time to run out: an item of
-- the scheduler.
local Limit = {}
Limit.__index = Limit


function Limit:run()
    local r = self.handshake
    if not r.terminated then
        local downstream = r.downstream
        handshake.abandon(r)
        log.connection(downstream, log.INFO, TIMED_OUT .. HANDLING[r.phase])
        return downstream:close()
    end
end


local function run(self, server, phase, code, fields, done)
    local r = handshake.run(self, server, phase, code, fields, done)
    if r then
        local timer = self.connection.read_timer
        arm(timer, timer.due, setmetatable({handshake = r, parked = true,
                                            value = nil}, Limit))
    end
end


-- The handler has ended: the handshake goes on, in what time it has left.
local function go_on(self, place, alert)
    local connection = self.connection
    if connection.fd then
        tls.answer(connection.ssl, place, alert)
        arm(connection.read_timer, connection.read_timer.due, self)
        return shake(self)
    end
end


-- Follows ngx_http_validate_host, as far as names of servers go.
local function host_of(name)
    if not name or name == "" or find(name, "[%z/]") then
        return ""
    end
    name = lower(name)
    return sub(name, -1) == "." and sub(name, 1, -2) or name
end


local function choose_server(self)
    local endpoint = self:own_endpoint()
    local name = host_of(self.server_name)
    local named = name ~= ""
        and endpoint:named({captures = nil, head = {}}, name)
    local server = named or endpoint.default
    if server.base.settings.ssl_reject_handshake then
        self.is_rejected = true
        return go_on(self, "hello", ALERT_UNRECOGNIZED_NAME)
    end
    local shown = server.tls_context and server or endpoint.default
    self.tls_server = server
    self.is_named = named and true or false
    tls.choose(self.connection.ssl, shown.tls_context,
               shown.hooks.ssl_certificate ~= nil)
    return go_on(self, "hello")
end


-- Where the handler fails a new session is made.
local function fetched(r)
    return choose_server(r.downstream)
end


local function skip_session(self, kind)
    log.debug(self, format("ssl_session_%s_by_lua*: skipped since TLS version "
                           .. ">= 1.3 (%d)", kind, TLS1_3))
end


-- Whether the handshake will be one of TLS 1.3, which resumes by tickets.
local function is_tls13(self)
    local list = tls.hello_extension(self.connection.ssl, SUPPORTED_VERSIONS)
    local is_allowed = false
    for _, name in ipairs(self.settings.ssl_protocols) do
        is_allowed = is_allowed or name == "TLSv1.3"
    end
    for i = 2, is_allowed and list and #list - 1 or 0, 2 do
        if byte(list, i) * 256 + byte(list, i + 1) == TLS1_3 then
            return true
        end
    end
    return false
end


local function fetch_session(self)
    local code = _M.hooks.ssl_session_fetch
    if code and is_tls13(self) then
        skip_session(self, "fetch")
        code = nil
    end
    local id = code and tls.hello_session_id(self.connection.ssl)
    if not id then
        return choose_server(self)
    end
    log.debug(self, "ssl session fetch: connection reusable: 0")
    return run(self, self:own_endpoint().default, "ssl_session_fetch", code,
               {session_id = id}, fetched)
end


local function hello_handled(r, rc)
    local self = r.downstream
    if rc < 0 then
        return go_on(self, "hello", ALERT_INTERNAL_ERROR)
    end
    return fetch_session(self)
end


local function read_name(self)
    local list = tls.hello_extension(self.connection.ssl,
                                     SERVER_NAME_EXTENSION)
    -- Length of the list, type (0: a host), length of the name.
    if list and #list > 5 and byte(list, 3) == 0 then
        local size = byte(list, 4) * 256 + byte(list, 5)
        self.server_name = sub(list, 6, 5 + size)
    end
end


local function handle_hello(self)
    read_name(self)
    local default = self:own_endpoint().default
    local code = default.hooks.ssl_client_hello
    if code then
        log.debug(self, "ssl client hello: connection reusable: 0")
        return run(self, default, "ssl_client_hello", code, nil, hello_handled)
    end
    return fetch_session(self)
end


local function certificate_handled(r, rc)
    return go_on(r.downstream, "certificate",
                 rc < 0 and ALERT_INTERNAL_ERROR or nil)
end


-- Where the server that was chosen has no certificates, those of the default
-- one are shown, but not by the handler of that.
local function handle_certificate(self)
    local server = self.tls_server
    local code = server.hooks.ssl_certificate
    log.debug(self, "ssl cert: connection reusable: 0")
    if not code then
        log.connection(self, log.ALERT, "no ssl_certificate_by_lua* defined in "
                       .. "server " .. (server.base.settings.server_name or "")
                       .. " while loading SSL certificate by lua")
        return go_on(self, "certificate", ALERT_INTERNAL_ERROR)
    end
    return run(self, server, "ssl_cert", code, nil, certificate_handled)
end


WAITS.hello = handle_hello
WAITS.certificate = handle_certificate


-- Runs ssl_session_store_by_lua for the sessions that were made.
local function store_sessions(self)
    local ssl = self.connection.ssl
    local _, number = tls.version(ssl)
    if number >= TLS1_3 then
        return skip_session(self, "store")
    end
    local id, data = tls.take_session(ssl)
    while id do
        log.debug(self, "ssl session store: connection reusable: 0")
        handshake.run_in_place(self, self.tls_server, "ssl_session_store",
                               _M.hooks.ssl_session_store,
                               {session_id = id, session = data})
        id, data = tls.take_session(ssl)
    end
end


local function log_failure(self, text, code, is_peers)
    local level = is_peers and log.INFO or log.CRIT
    if code then
        level = log.INFO
    end
    return log.connection(self, level, text .. SHAKING)
end


local function shaken(self)
    local connection = self.connection
    if _M.hooks.ssl_session_store then
        store_sessions(self)
    end
    tls.forget(connection.ssl)
    connection.is_shaken = true
    connection.readable = true
    connection.reader, connection.writer = nil, nil
    if log.debugs(self) then
        tls_connection.tell(connection, self)
    end
    return self:await_head()
end


function shake(self, event)
    local connection = self.connection
    self.step = shake
    if event == TIMEOUT then
        log.connection(self, log.INFO, TIMED_OUT .. SHAKING)
        return self:close()
    end
    connection.reader, connection.writer = nil, nil
    local ok, detail, code, is_peers = tls.handshake(connection.ssl)
    if ok == true then
        return shaken(self)
    elseif ok then
        return WAITS[ok](self)
    end
    connection.broken = true
    if self.is_rejected then
        log.connection(self, log.INFO, "handshake rejected" .. SHAKING)
    else
        log_failure(self, detail, code, is_peers)
    end
    return self:close()
end


local function begin_tls(self)
    local endpoint = self:own_endpoint()
    local default = endpoint.default
    local wants_hello = not endpoint.only
        or default.base.settings.ssl_reject_handshake
        or default.hooks.ssl_client_hello ~= nil
        or _M.hooks.ssl_session_fetch ~= nil
    local ssl, err = tls.accept(
        default.tls_context, self.connection.fd, wants_hello,
        default.hooks.ssl_certificate ~= nil,
        _M.hooks.ssl_session_store ~= nil)
    if not ssl then
        log.connection(self, log.ALERT, err)
        return self:close()
    end
    self.tls_server = default
    self.is_tls = true
    log.debug(self, "reusable connection: 0")
    tls_connection.begin(self.connection, ssl)
    self.connection.is_server = true
    return shake(self)
end


local function read_first(self, event)
    local connection = self.connection
    if event == TIMEOUT then
        log.connection(self, log.INFO, TIMED_OUT .. SHAKING)
        return self:close()
    end
    local data, err, code = sys.peek(connection.fd)
    if not data and err == "again" then
        connection.readable = false
        return await_reader(self)
    elseif not data or data == "" then
        log.connection(self, log.INFO, (data and "client closed connection"
                       or log.failed_call("recv", err, code)) .. SHAKING)
        return self:close()
    end
    local first = byte(data)
    if first == HANDSHAKE or first >= SSL2 then
        return begin_tls(self)
    end
    self.is_plain = true
    connection.readable = true
    return self:await_head()
end


function _M.begin(downstream, timeout)
    if not downstream:own_endpoint().is_tls then
        return downstream:await_head(timeout)
    end
    return downstream:await(read_first, timeout)
end


-- Requests -------------------------------------------------------------------


function _M.refusal(r)
    local downstream = r.downstream
    if downstream.is_plain then
        log.request(r, log.INFO, "client sent plain HTTP request to HTTPS port"
                    .. DOING)
        return PLAIN_HTTP
    end
    local mode = r.settings.ssl_verify_client
    if mode == "off" or not downstream.is_tls then
        return
    elseif downstream.is_named and r.server ~= downstream.tls_server then
        -- Its certificate was verified as another server does it, and the
        -- request stays with that one.
        r.server = downstream.tls_server
        r.location = r.server.base
        r.settings = r.location.settings
        log.request(r, log.INFO, "client attempted to request the server name "
                    .. "different from the one that was negotiated" .. DOING)
        return MISDIRECTED
    end
    local ok, number, text, has_certificate = tls.verify(r.connection.ssl)
    if not ok and not (mode == "optional_no_ca" and OF_NO_CA[number]) then
        log.request(r, log.INFO, format(
            "client SSL certificate verify error: (%d:%s)%s", number, text,
            DOING))
        return CERTIFICATE_ERROR
    elseif mode == "on" and not has_certificate then
        log.request(r, log.INFO, "client sent no required SSL certificate"
                    .. DOING)
        return NO_CERTIFICATE
    end
end


return _M
