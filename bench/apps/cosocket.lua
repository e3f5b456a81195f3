-- One question to Redis over a pooled connection. The port is REDIS_PORT in
-- bench/servers.py; the pool holds more than the load has connections.

local assert = assert

local POOL_SIZE = 128
local IDLE_MS = 60000

local sock = ngx.socket.tcp()
assert(sock:connect("127.0.0.1", 16379))
assert(sock:send("PING\r\n"))
local line = assert(sock:receive())
assert(sock:setkeepalive(IDLE_MS, POOL_SIZE))
ngx.say(line)
