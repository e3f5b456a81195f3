-- One question to a Redis over a pooled connection: each worker has one of its
-- own, so that two workers share no server. $redis_port is the port of worker
-- 0's; the pool holds more than the load has connections.

local assert = assert
local ngx = ngx

local POOL_SIZE = 128
local IDLE_MS = 60000

local sock = ngx.socket.tcp()
assert(sock:connect("127.0.0.1", ngx.var.redis_port + ngx.worker.id()))
assert(sock:send("PING\r\n"))
local line = assert(sock:receive())
assert(sock:setkeepalive(IDLE_MS, POOL_SIZE))
ngx.say(line)
