-- ngx.ssl.session: sessions, in ssl_session_fetch_by_lua and
-- ssl_session_store_by_lua.
--
-- Follows lua-resty-core's ngx.ssl.session and
-- ngx_http_lua_ssl_session_fetchby.c.

local base = require "resty.core.base"
local check = require "resty_py.tls.check"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local byte = string.byte
local error = error
local format = string.format
local gsub = string.gsub
local tls = native.tls

-- The longest serialized session: NGX_SSL_MAX_SESSION_SIZE.
local MAX_SIZE = 4096

local _M = {version = base.version}


-- Returns the handshake | nil, err.
local function current()
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    local r = thread.request
    if not r.connection or not r.connection.ssl then
        return nil, "bad request"
    elseif not r.is_handshake then
        return nil, "bad lua context"
    end
    return r
end


local function hex(char)
    return format("%02x", byte(char))
end


-- Returns the identifier of the session, in hex | nil, err.
function _M.get_session_id()
    local r, err = current()
    if not r then
        return nil, err
    end
    local id = r.session_id
    if not id or id == "" then
        return nil, "uninitialized session id in lua context"
    end
    return (gsub(id, ".", hex))
end


-- Returns the session that was made, as bytes | nil, err.
function _M.get_serialized_session()
    local r, err = current()
    if not r then
        return nil, err
    elseif not r.session then
        return nil, "bad session in lua context"
    elseif #r.session > MAX_SIZE then
        return nil, "session too big to serialize"
    end
    return r.session
end


-- Lets the handshake resume a session that get_serialized_session() gave.
-- Returns true | nil, err.
function _M.set_serialized_session(session)
    local r, err = current()
    if not r then
        return nil, err
    end
    check("set_serialized_session", 1, session, "string")
    local ok
    ok, err = tls.resume(r.connection.ssl, session)
    if not ok then
        return nil, err
    end
    return true
end


return _M
