-- The request socket: ngx.req.socket() over the client's own connection.
--
-- The body socket reads the rest of a counted body and no byte more: what
-- the connection's buffer holds beyond the body is put aside meanwhile. The
-- raw socket has the connection to itself; the server sends nothing more.
-- Neither has methods to connect or close.
--
-- Follows ngx_http_lua_req_socket.

local body = require "resty_py.request.body"
local receive = require "resty_py.net.receive"
local tcp = require "resty_py.net.tcp"

local setmetatable = setmetatable

local Tcp = tcp.methods

local Body = {
    receive = receive.receive,
    receiveany = receive.receiveany,
    receiveuntil = receive.receiveuntil,
    settimeout = Tcp.settimeout,
    settimeouts = Tcp.settimeouts,
    release = Tcp.release,
    forget = Tcp.forget,
    close_side = Tcp.close_side,
}
Body.__index = Body

local Raw = setmetatable({send = Tcp.send}, Body)
Raw.__index = Raw

local METATABLES = {body = Body, raw = Raw}

local _M = {}


local function new(r, kind)
    local socket = setmetatable(tcp.new(), METATABLES[kind])
    socket.request = r
    socket.connection = r.connection
    socket.kind = kind
    return socket
end


-- Returns a socket | nil, err.
function _M.body(r)
    if r.head.chunked then
        return nil, "chunked request bodies not supported yet"
    elseif r.body_state == "discarded" then
        return nil, "request body discarded"
    elseif r.body_state == "none" then
        return nil, "no body"
    elseif r.body_state ~= "unread" then
        return nil, "request body already exists"
    end
    body.invite(r)
    local connection = r.connection
    local socket = new(r, "body")
    local held = connection:take_buffer()
    local mine = held:sub(1, r.body_left)
    connection:put_back(mine)
    socket.left = r.body_left - #mine
    r.body_state = "socket"
    r.body_socket = socket
    r.beyond_body = held:sub(#mine + 1)
    return socket
end


-- Returns a socket | nil, err.
function _M.raw(r)
    if r.body_state == "reading"
        or r.body_socket and r.body_socket.left > 0
    then
        return nil, "pending request body reading in some other thread"
    elseif r.downstream.pending then
        return nil, "pending data to write"
    elseif r.buffering then
        return nil, "http 1.0 buffering"
    elseif r.raw_socket then
        return nil, "duplicate call"
    end
    if r.beyond_body then
        r.connection:put_back(r.beyond_body)
        r.beyond_body = nil
    end
    r.headers_sent = true
    r.eof = true
    r.keepalive = false
    r.body_state = "read"
    r.linger = true
    r.raw_socket = new(r, "raw")
    return r.raw_socket
end


return _M
