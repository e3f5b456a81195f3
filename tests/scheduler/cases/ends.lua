-- How handlers end: errors, ngx.exit, threads that outlive the entry.


-- case: exit_in_a_thread
ngx.thread.spawn(function()
    ngx.sleep(0.01)
    show("exiting")
    ngx.exit(200)
    show("never")
end)
ngx.thread.spawn(function() ngx.sleep(0.02) show("never") end)
show("main")
ngx.sleep(10)


-- case: exit_in_pcall_in_a_coroutine
local co = coroutine.wrap(function()
    pcall(function() show("in") ngx.exit(ngx.OK) end)
    show("never")
end)
pcall(co)
show("never")


-- case: exit_in_the_first_run_of_a_thread
ngx.thread.spawn(function() show("in") ngx.exit(200) end)
show("never")


-- case: entry_error
ngx.thread.spawn(function() ngx.sleep(0.01) show("never") end)
local function inner() error("bad thing") end
inner()


-- case: entry_error_late
show("out")
ngx.flush(true)
error("late")


-- case: entry_error_table
error({})


-- case: entry_error_nil
error()


-- case: entry_ends_before_its_threads
ngx.thread.spawn(function()
    ngx.sleep(0.01)
    show("late")
    ngx.thread.spawn(function() ngx.sleep(0.01) show("later") end)
end)
show("entry done")


-- case: timer_errors
ngx.timer.at(0, function() error("in a timer") end)
ngx.timer.at(0, function() ngx.say("x") end)
ngx.sleep(0.01)
show("done")
