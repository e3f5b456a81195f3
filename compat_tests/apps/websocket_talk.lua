-- Two ends of WebSockets: says back what it is told, message by message, or is
-- a client itself.
--
--   /        echo: messages of fragments come back in one frame
--   /chat    what one says all are told
--   /client?port=N   talks to the echo of another server and tells of it
--
-- luacheck: std ngx_lua

local semaphore = require "ngx.semaphore"
local server = require "nginx.websocket.server"

local MAX_PAYLOAD = 17 * 1024 * 1024


local function open()
    local socket, err = server:new({timeout = 30000,
                                    max_payload_len = MAX_PAYLOAD})
    if not socket then
        ngx.status = ngx.HTTP_BAD_REQUEST
        ngx.say(err)
        return ngx.exit(ngx.status)
    end
    return socket
end


-- Messages --------------------------------------------------------------------


-- Returns the next message, whole, and its kind | nil, "close", code, reason
-- | nil, "lost", err.
local function receive(socket)
    local pieces, first = {}, nil
    while true do
        local data, kind, err = socket:recv_frame()
        if not data then
            return nil, "lost", err
        elseif kind == "close" then
            return nil, "close", err, data
        elseif kind == "ping" then
            socket:send_pong(data)
        elseif kind ~= "pong" then
            pieces[#pieces + 1] = data
            first = first or kind
            if err ~= "again" then
                return table.concat(pieces), first
            end
        end
    end
end


local function echo(socket)
    while true do
        local message, kind, code, reason = receive(socket)
        if message then
            socket["send_" .. kind](socket, message)
        elseif kind == "close" then
            return socket:send_close(code, reason)
        else
            ngx.log(ngx.ERR, "websocket: ", code)
            return ngx.exit(444)
        end
    end
end


-- Chat ------------------------------------------------------------------------


-- This file runs for each request; what all share lives where modules do.
local members = package.loaded.websocket_talk_members or {}
package.loaded.websocket_talk_members = members


local function tell_all(message)
    for member in pairs(members) do
        member.queue[#member.queue + 1] = message
        member.wakeup:post()
    end
end


local function send_queued(member)
    while not member.left do
        if member.wakeup:wait(30) then
            local message = table.remove(member.queue, 1)
            if message and not member.socket:send_text(message) then
                return
            end
        end
    end
end


local function chat(socket)
    local member = {socket = socket, queue = {}, wakeup = semaphore.new()}
    members[member] = true
    socket:send_text("welcome")
    local sender = ngx.thread.spawn(send_queued, member)
    while true do
        local message, kind, code, reason = receive(socket)
        if message then
            tell_all(message)
        else
            members[member] = nil
            member.left = true
            member.wakeup:post()
            ngx.thread.wait(sender)
            return kind == "close" and socket:send_close(code, reason)
        end
    end
end


-- The client ------------------------------------------------------------------


local function talk(port)
    local client = require "nginx.websocket.client"
    local socket = client:new({timeout = 30000, max_payload_len = MAX_PAYLOAD})
    ngx.say("connect: ", socket:connect("ws://127.0.0.1:" .. port .. "/"))
    socket:send_text("hello")
    ngx.say("text: ", table.concat({socket:recv_frame()}, " "))
    socket:send_ping("are you there?")
    ngx.say("pong: ", table.concat({socket:recv_frame()}, " "))
    socket:send_frame(false, 0x1, "a message ")
    socket:send_frame(false, 0x0, "in three ")
    socket:send_frame(true, 0x0, "pieces")
    ngx.say("pieces: ", table.concat({socket:recv_frame()}, " "))
    local big = ("0123456789abcdef"):rep(1024 * 64)
    socket:send_binary(big)
    local data, kind = socket:recv_frame()
    ngx.say("big: ", kind, " ", data == big)
    socket:send_close(1000, "enough")
    ngx.say("close: ", table.concat({socket:recv_frame()}, " "))
    ngx.say("end: ", socket:close())
end


local uri = ngx.var.uri
if uri == "/client" then
    talk(ngx.var.arg_port)
else
    (uri == "/chat" and chat or echo)(open())
end
