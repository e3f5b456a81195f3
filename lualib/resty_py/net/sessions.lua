-- Sessions of TLS, to be resumed by a later handshake.
--
-- A handshake of TLS 1.3 ends before the server has sent the tickets that
-- resume it. So a session object stands for what its connection has learnt
-- last: while that is open, it is asked; when it closes, it leaves the ticket
-- behind.
--
--   of(connection, r)  the session object of a connection over TLS | nil
--   pointer(object, r) the `SSL_SESSION *` to resume, and what keeps it alive
--
-- OpenResty hands out what there is when the handshake ends, and so resumes
-- none of TLS 1.3.

local log = require "resty_py.log"
local native = require "resty_py.native"
local tls = require "resty_py.tls"

local format = string.format
local own = tls.own
local pointer_of = tls.pointer
local resumable = native.tls.resumable
local session = native.tls.session
local setmetatable = setmetatable

local Source = {}
Source.__index = Source

-- Session object -> where a newer one is.
local sources = setmetatable({}, {__mode = "k"})

local _M = {}


-- Returns a new reference of the connection's session | nil.
local function take(ssl)
    local pointer = session(ssl)
    return pointer and own(pointer, "session")
end


-- Debug lines tell when the objects that a user has had are freed.
local function tell_freed(pointer)
    log.debug(nil, format("lua ssl free session: %016X", pointer))
end


local function take_told(ssl, r)
    local pointer = session(ssl)
    if pointer then
        log.debug(r, format("lua ssl save session: %016X", pointer))
        return own(pointer, "session", tell_freed)
    end
end


-- The connection is about to close: keeps its session.
function Source:part()
    self.latest = take(self.ssl)
    self.ssl = nil
end


function Source:object()
    return self.ssl and take(self.ssl) or self.latest
end


function _M.of(connection, r)
    local object = log.debugs(r) and take_told(connection.ssl, r)
        or take(connection.ssl)
    if object and not resumable((pointer_of(object, "session"))) then
        local source = connection.sessions
        if not source then
            source = setmetatable({ssl = connection.ssl, latest = nil}, Source)
            connection.sessions = source
        end
        sources[object] = source
    end
    return object
end


function _M.pointer(object, r)
    local source = sources[object]
    local newest = source and source:object() or object
    local pointer = pointer_of(newest, "session")
    if log.debugs(r) then
        log.debug(r, format("lua ssl set session: %016X", pointer))
    end
    return pointer, newest
end


return _M
