-- TLS on the TCP cosocket: methods that tcp.lua takes over.
--
-- A connection that comes from a pool has shaken hands already; sslhandshake
-- on it returns at once. After a handshake that failed the socket is closed.
--
-- Follows ngx_http_lua_ffi_socket_tcp_sslhandshake, and lua-resty-core's
-- resty.core.socket for what comes before and after it.

local check = require "resty_py.net.check"
local dial = require "resty_py.net.dial"
local log = require "resty_py.log"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"
local sessions = require "resty_py.net.sessions"
local tls = require "resty_py.tls"
local tls_connection = require "resty_py.net.tls"

local busy = check.busy
local check_certificate = native.tls.check
local concat = table.concat
local current_request = phases.request
local error = error
local format = string.format
local ipairs = ipairs
local log_error = dial.log_error
local new_ssl = native.tls.connect
local select = select
local type = type
local unpack = unpack

local Tcp = {}


-- Contexts -------------------------------------------------------------------


local function commands_of(settings)
    local commands = {}
    for _, pair in ipairs(settings.lua_ssl_conf_command or {}) do
        commands[#commands + 1] = pair[1]
        commands[#commands + 1] = pair[2]
    end
    return commands
end


-- The `SSL_CTX *` of cosockets where `settings` are in force | nil, err.
local function context_of(settings)
    local context, err = settings.tls_context, nil
    if not context then
        context, err = native.tls.client_context(
            concat(settings.lua_ssl_protocols, " "), settings.lua_ssl_ciphers,
            settings.lua_ssl_trusted_certificate, settings.lua_ssl_verify_depth,
            settings.lua_ssl_crl, settings.lua_ssl_certificate,
            settings.lua_ssl_certificate_key, settings.lua_ssl_key_log,
            unpack(commands_of(settings)))
        settings.tls_context = context
    end
    return context, err
end


-- Certificates of the client -------------------------------------------------


-- Returns the address of an object | nil, err.
local function object(name, value, kind)
    local pointer, found = tls.pointer(value, kind)
    if not pointer then
        return nil, format("bad %s arg: %s expected, got %s", name, tls.KIND,
                           found)
    end
    return pointer
end


-- sock:setclientcert(cert?, key?): what ngx.ssl has parsed, for handshakes to
-- come; nothing takes it back.
-- Returns true | nil, err.
function Tcp.setclientcert(self, cert, key)
    check.self(self, "setclientcert")
    if not cert and not key then
        self.client_cert, self.client_key = nil, nil
        return true
    elseif not cert or not key then
        return nil, "client certificate must be supplied with corresponding "
            .. "private key"
    end
    local ok, err = object("cert", cert, "certificates")
    if ok then
        ok, err = object("pkey", key, "key")
    end
    if not ok then
        return nil, err
    end
    self.client_cert, self.client_key = cert, key
    return true
end


-- sock:settrustedstore(store?): an `X509_STORE *` to verify by in place of
-- lua_ssl_trusted_certificate, for the next handshake.
-- Returns true | nil, err.
function Tcp.settrustedstore(self, store)
    check.self(self, "settrustedstore")
    if store then
        local ok, err = object("store", store, "store")
        if not ok then
            return nil, err
        end
    end
    if not self.connection then
        return nil, "closed"
    end
    self.trusted_store = store
    return true
end


-- Shaking hands --------------------------------------------------------------


-- Logs and returns what the certificate of the peer lacks.
local function refuse_certificate(self, r, number, text, server_name)
    self:release()
    if number == 0 then
        log_error(r, format("lua ssl certificate does not match host \"%s\"",
                            server_name))
        return nil, "certificate host mismatch"
    end
    log_error(r, format("lua ssl certificate verify error: (%d: %s)", number,
                        text))
    return nil, format("%d: %s", number, text)
end


local function begin(self, r, session, server_name, send_status_req)
    local context, err = context_of(r.settings)
    if not context then
        return nil, err
    end
    local newest
    if session then
        session, newest = sessions.pointer(session, r)
    end
    local ssl
    ssl, err = new_ssl(context, self.connection.fd, session, server_name,
                       send_status_req and true or false,
                       tls.pointer(self.client_cert, "certificates"),
                       tls.pointer(self.client_key, "key"),
                       (tls.pointer(self.trusted_store, "store")))
    if not ssl then
        return nil, err, newest
    end
    self.trusted_store = nil
    return tls_connection.begin(self.connection, ssl)
end


local function shake_hands(self, r, connection)
    self.connecting = true
    local ok, err, detail, is_peers = connection:shake_hands(
        self.connect_timeout or r.settings.lua_socket_connect_timeout, self)
    self.connecting = false
    if not ok then
        if detail then
            log.request(r, is_peers and log.ERR or log.CRIT, detail)
        end
        self:release()
        return nil, err
    elseif log.debugs(r) then
        tls_connection.tell(connection, r)
    end
    return true
end


local function is_open(self)
    local connection = self.connection or self.pending
    return connection and connection.fd and not self.read_closed
        and not self.write_closed
end


-- Returns true where hands can be shaken | nil, err.
local function ready(self, r)
    if not is_open(self) then
        return nil, "closed"
    elseif self.request ~= r then
        return nil, "bad request"
    end
    local err = busy(self, true, true)
    if err then
        return nil, err
    elseif self.kind then
        return nil, "not supported for downstream sockets"
    end
    return true
end


local function result(self, r, session)
    if session == false then
        return true
    end
    return sessions.of(self.connection, r)
end


local function tell_name(r, name)
    log.debug(r, format('lua ssl server name: "%s"', name))
end


-- sock:sslhandshake(session?, server_name?, verify?, send_status_req?)
--   session      one to resume; false: none is wanted
--   server_name  sent as SNI, and what the certificate must be for
--   verify       whether the certificate is checked
--   send_status_req   whether an OCSP response is asked for
-- Returns a session, true where `session` is false | nil, err.
function Tcp.sslhandshake(...)
    local n = select("#", ...)
    local self, session, server_name, verify, send_status_req = ...
    if not self or n > 5 then
        error("ngx.socket sslhandshake: expecting 1 ~ 5 arguments (including "
              .. "the object), but seen " .. (self and n or 0), 2)
    end
    check.self(self, "sslhandshake")
    local r = current_request()
    if not self.request then
        error("socket is never created nor connected", 2)
    elseif server_name and type(server_name) ~= "string" then
        error(format("bad argument #2 to 'sslhandshake' (string expected, "
                     .. "got %s)", type(server_name)), 2)
    end
    local ok, err = ready(self, r)
    if not ok then
        return nil, err
    end
    local resumed = tls.pointer(session, "session") and session
    if self.connection.is_shaken then
        return resumed or result(self, r, session)
    end
    if server_name and log.debugs(r) then
        tell_name(r, server_name)
    end
    local connection
    connection, err = begin(self, r, resumed, server_name or nil,
                            send_status_req)
    if not connection then
        return nil, err
    end
    ok, err = shake_hands(self, r, connection)
    if not ok then
        return nil, err
    elseif verify then
        local number, text
        ok, number, text = check_certificate(
            connection.ssl, server_name ~= "" and server_name or nil)
        if not ok then
            return refuse_certificate(self, r, number, text, server_name)
        end
    end
    return result(self, r, session)
end


-- OpenSSL's objects ----------------------------------------------------------


-- The connection over TLS of a socket | nil, err.
local function shaken(self, name)
    check.self(self, name)
    if not is_open(self) then
        return nil, "closed"
    elseif not self.connection.ssl then
        return nil, "no ssl connection"
    end
    return self.connection
end


-- sock:getsslpointer(): the `SSL *`, which the socket keeps | nil, err.
function Tcp.getsslpointer(self)
    local connection, err = shaken(self, "getsslpointer")
    if not connection then
        return nil, err
    end
    return tls.lend(connection.ssl, "connection")
end


-- sock:getsslctx(): the `SSL_CTX *`, which is not the socket's own | nil, err.
function Tcp.getsslctx(self)
    local connection, err = shaken(self, "getsslctx")
    if not connection then
        return nil, err
    end
    return tls.lend(native.tls.context_of(connection.ssl), "context")
end


-- sock:getsslsession(): the session as it is now | nil, err.
function Tcp.getsslsession(self)
    local connection, err = shaken(self, "getsslsession")
    if not connection then
        return nil, err
    end
    local pointer = native.tls.session(connection.ssl)
    if not pointer then
        return nil, "no session"
    end
    local session = tls.own(pointer, "session")
    if not native.tls.resumable(pointer) then
        return nil, "not resumable"
    end
    return session
end


return Tcp
