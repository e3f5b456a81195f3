-- Arguments: counts, types, and the line that errors blame.


-- case: wait_errors
attempt("ngx.thread.wait()")
attempt("ngx.thread.wait(1)")
attempt("ngx.thread.wait(nil)")
attempt("ngx.thread.wait((coroutine.running()))")
attempt("ngx.thread.wait(coroutine.create(function() end))")
attempt("ngx.thread.spawn()")
attempt("ngx.thread.spawn(1)")
attempt("ngx.thread.spawn(nil)")
attempt("ngx.thread.spawn(math.floor)")
attempt("ngx.thread.kill()")
attempt("ngx.thread.kill(3)")


-- case: sleep_arguments
attempt("ngx.sleep()")
attempt("ngx.sleep(-1)")
attempt("ngx.sleep('x')")
attempt("ngx.sleep(nil)")
attempt("ngx.sleep(0, 1)")
attempt("ngx.sleep('0.001')")
attempt("ngx.sleep({})")
attempt("ngx.sleep(-0.0001)")


-- case: timer_arguments
attempt("ngx.timer.at()")
attempt("ngx.timer.at(1)")
attempt("ngx.timer.at('x', function() end)")
attempt("ngx.timer.at(nil, function() end)")
attempt("ngx.timer.at(0, 1)")
attempt("ngx.timer.at(0, math.floor)")
attempt("ngx.timer.every()")
attempt("ngx.timer.every(1)")
attempt("ngx.timer.every('x', function() end)")
attempt("ngx.timer.every(0, function() end)")
attempt("ngx.timer.every(0, 1)")
attempt("ngx.timer.every(0.0001, function() end)")


-- case: semaphore_arguments
local semaphore = require "ngx.semaphore"
try(semaphore.new, -1)
show(semaphore.new("2"):count())
show(semaphore.new(2.7):count())
show(semaphore.new("x"):count())
local s = semaphore.new()
try(s.wait, s, -1)
try(s.wait)
try(s.wait, 3, 1)
try(s.post)
try(s.post, s, 0)
try(s.post, s, -3)
try(s.count)
try(s.count, {})
show(s:post("2"))
show(s:count())
show(s:wait(0))
show(s:wait(0))
show(s:wait(0))
show(s:wait(0.01))
show(s:wait(0.0001))
show(s:post(1.5))
show(s:post("x"))
show(s:count())


-- case: timer_in_the_past
local ran
show(ngx.timer.at(-1, function(premature) ran = premature end))
ngx.sleep(0.01)
show(ran)
