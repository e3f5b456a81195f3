-- Sleeps, timers and semaphores: who goes first.


-- case: sleep_0_waits_for_a_new_round
local function sleeper(name)
    return function()
        for i = 1, 3 do
            show(name, i)
            ngx.sleep(0)
        end
    end
end
ngx.thread.spawn(sleeper("a"))
ngx.thread.spawn(sleeper("b"))
for i = 1, 6 do
    show("main", i)
    coroutine.yield()
end
ngx.sleep(0)
show("end")


-- case: equal_sleeps_end_in_order
for i = 1, 9 do
    ngx.thread.spawn(function() ngx.sleep(0.02) show(i) end)
end


-- case: timer_order
local log, arguments = "", nil
ngx.timer.at(0, function(...) arguments = {n = select("#", ...), ...} end, 1, nil)
ngx.timer.at(0, function() log = log .. "t" end)
coroutine.yield()
log = log .. "y"
ngx.thread.spawn(function() log = log .. "s" end)
ngx.sleep(0)
log = log .. "z"
ngx.sleep(0)
show(log)
show(arguments.n, arguments[1], arguments[2], arguments[3])


-- case: semaphore_order
local s = require("ngx.semaphore").new()
for i = 1, 3 do
    ngx.thread.spawn(function() show("wait", i, s:wait(1)) end)
end
show(s:count())
s:post()
show(s:count())
show(s:wait(0))
show("posted")
ngx.sleep(0.001)
s:post(2)
show(s:count())
s:post()
show(s:wait(0))
ngx.sleep(0.001)
show(s:count())
show(s:wait(0))


-- case: semaphore_kill
local s = require("ngx.semaphore").new()
local function waiter(name)
    return function() show(name, s:wait(1)) end
end
local a = ngx.thread.spawn(waiter("a"))
local b = ngx.thread.spawn(waiter("b"))
show(s:count())
ngx.thread.kill(a)
show(s:count())
s:post()
show(s:count())
ngx.thread.kill(b)
show(s:count())
show(s:wait(0))
show(s:wait(0))
