-- TLS with an upstream: https://.
--
--   prepare(settings)   readies a location's proxy_ssl_*: settings.proxy_tls
--   shake_hands(u)      on u.connection. True | nil, "timeout" | "error",
--                       which is logged
--
-- Rules:
--
-- 1. The name that is sent, and that the certificate must be for, is
--    proxy_ssl_name, else the host of the address. It is sent where
--    proxy_ssl_server_name is on, and never where it is an address or empty.
--    No certificate is for an empty name.
-- 2. A session that a connection leaves behind is resumed by the next one with
--    the same peer of the same upstream, context and name:
--    proxy_ssl_session_reuse. With TLS 1.2 it is there when the handshake is
--    done; with 1.3 it comes later, and is taken when the connection closes.
--
-- Follows ngx_http_upstream_ssl_init_connection and
-- ngx_http_upstream_ssl_handshake.

local log = require "resty_py.log"
local memo = require "resty_py.http.memo"
local native = require "resty_py.native"
local objects = require "resty_py.tls"
local target = require "resty_py.net.target"
local template = require "resty_py.program.template"
local tls_connection = require "resty_py.net.tls"

local concat = table.concat
local error = error
local format = string.format
local ipairs = ipairs
local match = string.match
local setmetatable = setmetatable
local unpack = unpack or table.unpack  -- luacheck: ignore 143

local HANDSHAKING = "SSL handshaking to upstream"
local TIMED_OUT = "upstream timed out (110: Connection timed out)"
-- Sessions kept per generation.
local SESSIONS = 1024

local kept = memo.new(SESSIONS)

local _M = {}


local function commands_of(settings)
    local commands = {}
    for _, pair in ipairs(settings.proxy_ssl_conf_command or {}) do
        commands[#commands + 1] = pair[1]
        commands[#commands + 1] = pair[2]
    end
    return commands
end


-- Whom to trust does not matter where nobody asks.
local function new_context(settings)
    local is_verified = settings.proxy_ssl_verify
    return native.tls.client_context(
        concat(settings.proxy_ssl_protocols, " "), settings.proxy_ssl_ciphers,
        is_verified and settings.proxy_ssl_trusted_certificate or nil,
        settings.proxy_ssl_verify_depth,
        is_verified and settings.proxy_ssl_crl or nil,
        settings.proxy_ssl_certificate,
        settings.proxy_ssl_certificate_key, nil,
        unpack(commands_of(settings)))
end


-- The context is made when it is known to be needed.
--   is_needed   whether proxy_pass names https
function _M.prepare(settings, is_needed)
    settings.proxy_ssl_name = settings.proxy_ssl_name
        and template.compile(settings.proxy_ssl_name)
    if is_needed then
        local context, err = new_context(settings)
        if not context then
            error(err, 0)
        end
        settings.proxy_tls = context
    end
end


local function context_of(settings)
    local context, err = settings.proxy_tls, nil
    if not context then
        context, err = new_context(settings)
        settings.proxy_tls = context
    end
    return context, err
end


local function is_address(name)
    return target.is_ipv4(name) or target.is_ipv6(name)
        or match(name, "^%[") ~= nil
end


-- The host, without a port.
local function name_of(u)
    local given = u.request.settings.proxy_ssl_name
    local name = given and given(u.request) or u.address.authority
    return match(name, "^%[[^%]]*%]") or match(name, "^[^:]*")
end


-- Sessions -------------------------------------------------------------------


-- What takes the session of a connection as it closes: see net/tls.lua.
local Keeper = {}
Keeper.__index = Keeper


-- Returns whether there is a session to keep.
function Keeper:part()
    local pointer = native.tls.session(self.ssl)
    local session = pointer and objects.own(pointer, "session")
    if not session or not native.tls.resumable(pointer) then
        return false
    end
    memo.store(kept, self.key, session)
    return true
end


-- The key of sessions with a peer, or nil where none is kept.
local function session_key(u, context, sni)
    if u.request.settings.proxy_ssl_session_reuse then
        return format("%d %s %s %s", context, u.group.name, u.peer.name,
                      sni or "")
    end
end


local function keep_session(connection, key)
    local keeper = setmetatable({ssl = connection.ssl, key = key}, Keeper)
    if not keeper:part() then
        connection.sessions = keeper
    end
end


-- Shaking hands --------------------------------------------------------------


-- Returns an `SSL *` | nil, err.
local function new_ssl(u, context, key, sni)
    local session = key and memo.recall(kept, key)
    return native.tls.connect(
        context, u.connection.fd,
        session and objects.pointer(session, "session") or nil, sni, false)
end


local function refuse(u, text)
    u:release()
    u:log(log.ERR, text)
    return nil, "error"
end


local function verify(u, name)
    local ok, number, text = native.tls.check(u.connection.ssl, name)
    if ok then
        return true
    elseif number == 0 then
        return refuse(u, format('upstream SSL certificate does not match "%s"',
                                name))
    end
    return refuse(u, format("upstream SSL certificate verify error: (%d:%s)",
                            number, text))
end


local function failed(u, err, detail, is_peers)
    u:release()
    if err == "timeout" then
        u:log(log.ERR, TIMED_OUT)
        return nil, "timeout"
    end
    u:log(is_peers and log.ERR or log.CRIT, detail
          or "peer closed connection in SSL handshake")
    return nil, "error"
end


-- The name that is sent, or nil.
local function sni_of(settings, name)
    return settings.proxy_ssl_server_name and name ~= ""
        and not is_address(name) and name or nil
end


function _M.shake_hands(u)
    local settings = u.request.settings
    u.action = HANDSHAKING
    local context, err = context_of(settings)
    local name = name_of(u)
    local sni = sni_of(settings, name)
    local key = context and session_key(u, context, sni)
    local ssl
    if context then
        ssl, err = new_ssl(u, context, key, sni)
    end
    if not ssl then
        return refuse(u, err)
    end
    local connection = tls_connection.begin(u.connection, ssl)
    local ok, detail, is_peers
    ok, err, detail, is_peers = connection:shake_hands(
        u.connect_timeout or settings.proxy_connect_timeout, u)
    if not ok then
        return failed(u, err, detail, is_peers)
    elseif key then
        keep_session(connection, key)
    end
    if settings.proxy_ssl_verify then
        return verify(u, name)
    end
    return true
end


return _M
