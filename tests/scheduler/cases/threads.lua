-- ngx.thread: order, results, kill, wait.


-- case: spawn_runs_first
show("0")
local t = ngx.thread.spawn(function(a, b)
    show("1", a, b)
    coroutine.yield()
    show("3")
    return 7, nil, 8
end, "a", nil)
show("2", type(t), coroutine.status(t))
show(ngx.thread.wait(t))
show(coroutine.status(t))
show(ngx.thread.wait(t))
show(ngx.thread.kill(t))


-- case: yield_order
local function counter(name)
    return function()
        for i = 1, 3 do
            show(name, i)
            coroutine.yield(name)
        end
    end
end
local a = ngx.thread.spawn(counter("a"))
show("main 1")
local b = ngx.thread.spawn(counter("b"))
show("main 2")
for i = 1, 4 do show("main", i, coroutine.yield(5)) end
show(ngx.thread.wait(a, b))
show(ngx.thread.wait(a, b))
show(coroutine.status(a), coroutine.status(b))


-- case: nested_spawn
local function g() show("g1") coroutine.yield() show("g2") end
local function f()
    show("f1")
    ngx.thread.spawn(g)
    show("f2")
    coroutine.yield()
    show("f3")
end
show("m1")
ngx.thread.spawn(f)
show("m2")
ngx.thread.spawn(f)
show("m3")
coroutine.yield()
show("m4")


-- case: zombie
local t = ngx.thread.spawn(function() return 1 end)
show(coroutine.status(t))
show(coroutine.resume(t))
show(ngx.thread.wait(t))
show(coroutine.status(t))
show(coroutine.resume(t))
local t = ngx.thread.spawn(function() error("boom") end)
show(coroutine.status(t))
show(ngx.thread.kill(t))
show(coroutine.status(t))
show(ngx.thread.kill(t))
show(ngx.thread.wait(t))


-- case: thread_errors
local function wait(f) return ngx.thread.wait(ngx.thread.spawn(f)) end
show(wait(function() error("boom", 0) end))
show(wait(function() error({}) end))
local t = ngx.thread.spawn(function() ngx.sleep(0.001) error("late", 0) end)
show(ngx.thread.wait(t))
show(ngx.thread.wait(t))


-- case: kill
local t = ngx.thread.spawn(function() ngx.sleep(10) show("never") end)
show(coroutine.status(t))
show(coroutine.resume(t))
show(ngx.thread.kill(t))
show(coroutine.status(t))
show(ngx.thread.kill(t))
show(ngx.thread.wait(t))
local q = ngx.thread.spawn(function() coroutine.yield() show("never") end)
show(ngx.thread.kill(q))
coroutine.yield()
show(ngx.thread.kill(coroutine.create(function() end)))
show(ngx.thread.kill((coroutine.running())))


-- case: kill_of_a_grandchild
local inner
local t = ngx.thread.spawn(function()
    inner = ngx.thread.spawn(function() ngx.sleep(0.01) show("inner") end)
    ngx.sleep(0.02)
end)
coroutine.yield()
show(ngx.thread.kill(inner))
attempt("ngx.thread.wait(...)", inner)
show(ngx.thread.wait(t))
show(coroutine.status(inner))


-- case: wait_any
local function sleeper(ms)
    return function()
        ngx.sleep(ms / 1000)
        show("done", ms)
        return ms
    end
end
local spawn = ngx.thread.spawn
local a, b, c = spawn(sleeper(90)), spawn(sleeper(10)), spawn(sleeper(50))
show(ngx.thread.wait(a, b, c))
show(ngx.thread.wait(a, b, c))
show(coroutine.status(a), coroutine.status(b), coroutine.status(c))
show(ngx.thread.wait(b, a))


-- case: wait_goes_on_before_others
local function sleeper(name)
    return function() ngx.sleep(0.02) show(name) return name end
end
local a = ngx.thread.spawn(sleeper("a"))
local b = ngx.thread.spawn(sleeper("b"))
show(ngx.thread.wait(b, a))
show(ngx.thread.wait(b))


-- case: wait_with_a_dead_one_last
local a = ngx.thread.spawn(function() ngx.sleep(0.01) return "a" end)
local b = ngx.thread.spawn(function() return "b" end)
show(ngx.thread.wait(b))
show(ngx.thread.wait(a, b))


-- case: wait_within_a_coroutine
local t = ngx.thread.spawn(function() ngx.sleep(0.01) return 5 end)
local co = coroutine.create(function() return pcall(ngx.thread.wait, t) end)
show(coroutine.resume(co))
local co = coroutine.create(function()
    local u = ngx.thread.spawn(function() ngx.sleep(0.01) return 6 end)
    show(ngx.thread.wait(u))
    local v = ngx.thread.spawn(function() ngx.sleep(0.01) show("v") end)
    coroutine.yield(v)
    show(ngx.thread.kill(v))
    return 1
end)
local ok, v = coroutine.resume(co)
show(ok, type(v))
attempt("ngx.thread.wait(...)", v)
show(ngx.thread.kill(v))
show(coroutine.resume(co))
show(ngx.thread.wait(t))
