-- setkeepalive and the pools: reuse, states, sizes, queues.
-- Every case has pools of its own.


-- case: keepalive_reuse
local options = {pool = "reuse"}
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, options)
    return s
end
local s = open_pooled()
show(s:getreusedtimes())
show(s:setkeepalive())
show(s:send("x"))
show(s:receive())
show(s:close())
show(s:setkeepalive())
show(s:getreusedtimes())
local s = open_pooled()
show(s:getreusedtimes())
s:send("say x\n")
show(s:receive(1))
show(s:setkeepalive(1000, 5))
local s = open_pooled()
local t = open_pooled()
show(s:getreusedtimes(), t:getreusedtimes())
show(s:setkeepalive())
show(t:setkeepalive())
local s = open_pooled()
local t = open_pooled()
show(s:getreusedtimes(), t:getreusedtimes())
show(s:close())
show(t:setkeepalive())


-- case: keepalive_arguments
local s = ngx.socket.tcp()
s:connect("127.0.0.1", PORT.puppet, {pool = "arguments"})
attempt("(...):setkeepalive(1, 2, 3)", s)
attempt("(...):setkeepalive(nil, 0)", s)
attempt("(...):setkeepalive(nil, -1)", s)
attempt("(...):setkeepalive(nil, 'x')", s)
attempt("(...):setkeepalive(nil, 2)", s)


-- case: keepalive_states
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "states"})
    return s
end
local s = open_pooled()
s:send("say xy\n")
settle()
show("unread", s:receive(1))
show(s:setkeepalive())
show(s:receive(1))
show(s:setkeepalive())
local s = open_pooled()
show("spoke", s:getreusedtimes())
s:send("say xy\n")
settle()
show(s:setkeepalive())
show(s:receive(1))
show(s:close())
local s = open_pooled()
show("left", s:getreusedtimes())
s:send("close\n")
settle()
show(s:setkeepalive())
show(s:close())
local s = open_pooled()
show("timed out", s:getreusedtimes())
s:settimeout(10)
show(s:receive())
show(s:setkeepalive())


-- case: keepalive_idle
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "idle"})
    return s
end
local s = open_pooled()
show(s:setkeepalive(10))
ngx.sleep(0.05)
local s = open_pooled()
show("too old", s:getreusedtimes())
show(s:setkeepalive(0))
ngx.sleep(0.05)
local s = open_pooled()
show("for ever", s:getreusedtimes())
s:send("say a\n")
show(s:receive(1))
s:send("close\n")
show(s:setkeepalive())
settle()
ngx.sleep(0.01)
local s = open_pooled()
show("left", s:getreusedtimes())
s:send("say late\n")
show(s:setkeepalive(0))
settle()
ngx.sleep(0.01)
local s = open_pooled()
show("spoke", s:getreusedtimes())


-- case: keepalive_lru
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "lru", pool_size = 2})
    return s
end
local a, b, c = open_pooled(), open_pooled(), open_pooled()
for _, s in ipairs {a, b, c} do
    s:send("say x\n")
    show(s:receive(1))
end
show(a:setkeepalive())
show(b:setkeepalive())
show(c:setkeepalive())
for _ = 1, 3 do show(open_pooled():getreusedtimes()) end


-- case: keepalive_lifo
-- The one given back last is taken first; fds would differ, counts tell.
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "lifo"})
    return s
end
local a = open_pooled()
show(a:setkeepalive())
local a, b = open_pooled(), open_pooled()
show(a:setkeepalive())
show(b:setkeepalive())
show(open_pooled():getreusedtimes())
show(open_pooled():getreusedtimes())


-- case: keepalive_size_is_fixed
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "fixed"})
    return s
end
local a, b = open_pooled(), open_pooled()
show(a:setkeepalive(1000, 1))
show(b:setkeepalive(1000, 10))
local a, b = open_pooled(), open_pooled()
show(a:getreusedtimes(), b:getreusedtimes())
show(a:setkeepalive())
show(open_pooled():getreusedtimes())


-- case: keepalive_default_pool
local s = open()
show(s:setkeepalive())
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", PORT.puppet, {pool = "127.0.0.1:" .. PORT.puppet}))
show(s:getreusedtimes() > 0)
local s = ngx.socket.tcp()
show(s:connect("unix:" .. PORT.unix))
show(s:setkeepalive())
local s = ngx.socket.tcp()
show(s:connect("UNIX:" .. PORT.unix))
show(s:getreusedtimes())
local s = ngx.socket.tcp()
show(s:connect("unix:" .. PORT.unix))
show(s:getreusedtimes())


-- case: backlog
local options = {pool = "backlog", pool_size = 1, backlog = 1}
local function open_pooled(name, timeout)
    local s = ngx.socket.tcp()
    if timeout then s:settimeout(timeout) end
    local ok, err = s:connect("127.0.0.1", PORT.puppet, options)
    show(name, ok, err, ok and s:getreusedtimes())
    return s
end
local a = open_pooled("a")
local t = ngx.thread.spawn(function()
    local s = open_pooled("b")
    ngx.sleep(0.01)
    show(s:close())
end)
open_pooled("c")
show(a:setkeepalive())
show(ngx.thread.wait(t))
local d = open_pooled("d")
open_pooled("e", 10)
show(d:close())
local f = open_pooled("f")
show(f:setkeepalive())
local g = open_pooled("g")
local t = ngx.thread.spawn(function() open_pooled("never") end)
ngx.thread.kill(t)
local t = ngx.thread.spawn(function() show(open_pooled("h"):close()) end)
g:close()
ngx.thread.wait(t)


-- case: backlog_order
local options = {pool = "order", pool_size = 2, backlog = 5}
local function open_pooled(name)
    local s = ngx.socket.tcp()
    show(name, s:connect("127.0.0.1", PORT.puppet, options))
    return s
end
local a, b = open_pooled("a"), open_pooled("b")
local threads = {}
for i = 1, 4 do
    threads[i] = ngx.thread.spawn(function() open_pooled(i):close() end)
end
a:close()
for i = 1, 4 do ngx.thread.wait(threads[i]) end
show(b:setkeepalive())
show(open_pooled("end"):getreusedtimes())


-- case: backlog_refused
local options = {pool = "refused", pool_size = 1, backlog = 2}
local function open_pooled(name, port)
    local s = ngx.socket.tcp()
    show(name, s:connect("127.0.0.1", port, options))
    return s
end
local a = open_pooled("a", PORT.puppet)
local t = ngx.thread.spawn(function() open_pooled("b", PORT.refused) end)
local u = ngx.thread.spawn(function() open_pooled("c", PORT.puppet):close() end)
a:close()
ngx.thread.wait(t)
ngx.thread.wait(u)
open_pooled("d", PORT.puppet):close()


-- case: keepalive_dubious_pool
-- A pool that was made for a connection that cannot be kept is over with it.
local function open_pooled()
    local s = ngx.socket.tcp()
    s:connect("127.0.0.1", PORT.puppet, {pool = "dubious"})
    return s
end
local a = open_pooled()
a:send("say x\n")
settle()
ngx.sleep(0.01)
show(a:setkeepalive(1000, 1))
local a, b = open_pooled(), open_pooled()
show(a:setkeepalive(1000, 10))
show(b:setkeepalive(1000, 10))
show(open_pooled():getreusedtimes())
show(open_pooled():getreusedtimes())
