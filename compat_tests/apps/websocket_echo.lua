-- Says back over a WebSocket what it is told.
--
-- luacheck: std ngx_lua

local server = require "nginx.websocket.server"

local socket, err = server:new({timeout = 10000, max_payload_len = 1048576})
if not socket then
    ngx.status = ngx.HTTP_BAD_REQUEST
    ngx.say(err)
    return ngx.exit(ngx.status)
end

local REPLIES = {
    binary = socket.send_binary,
    ping = socket.send_pong,
    text = socket.send_text,
}

while true do
    local data, kind, detail = socket:recv_frame()
    if not data then
        ngx.log(ngx.ERR, "websocket: ", detail)
        return ngx.exit(444)
    elseif kind == "close" then
        socket:send_close(detail, data)
        return
    end
    REPLIES[kind](socket, data)
end
