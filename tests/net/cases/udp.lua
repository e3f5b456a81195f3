-- ngx.socket.udp.


-- case: udp
local s = ngx.socket.udp()
show(s:close())
show(s:send("x"))
show(s:receive())
show(s:setpeername("127.0.0.1", PORT.udp))
show(s:send("hello"))
show(s:receive())
show(s:send("hello"))
show(s:receive(3))
show(s:send("twice"))
show(s:receive())
show(s:receive())
show(s:send {"a", 1, {"b"}})
show(s:receive())
show(s:send(nil))
show(s:receive())
show(s:send(true))
show(s:receive())
show(s:send(1.5))
show(s:receive())
show(s:close())
show(s:close())
show(s:send("x"))
show(s:receive())


-- case: udp_timeout
local s = ngx.socket.udp()
s:settimeout(20)
show(s:setpeername("127.0.0.1", PORT.mute))
show(s:send("x"))
show(s:receive())
s:settimeout(5000)
show(s:setpeername("127.0.0.1", PORT.udp))
show(s:send("y"))
show(s:receive())


-- case: udp_refused
local s = ngx.socket.udp()
show(s:setpeername("127.0.0.1", PORT.refused))
show(s:send("x"))
show(s:receive())
show(s:send("x"))
show(s:send("x"))
show(s:close())


-- case: udp_arguments
local s = ngx.socket.udp()
for _, arguments in ipairs {
    "", "nil", "'127.0.0.1', -1", "'127.0.0.1', 65536", "'127.0.0.1', 'x'",
    "'127.0.0.1', {}", "{}, 1", "'127.0.0.1'", "'127.0.0.1', 1, 2",
    "'unix:/nonexistent'", "'unix:'", "'127.0.0.1:x', 1",
} do
    attempt("(...):setpeername(" .. arguments .. ")", s)
end
s:setpeername("127.0.0.1", PORT.udp)
for _, arguments in ipairs {"", "1, 2", "print", "{print}", "{a = 1}", "{true}"} do
    attempt("(...):send(" .. arguments .. ")", s)
end
for _, arguments in ipairs {"", "1, 2"} do
    attempt("(...):settimeout(" .. arguments .. ")", s)
end
for _, arguments in ipairs {"'x'", "{}", "1, 2"} do
    attempt("(...):receive(" .. arguments .. ")", s)
end
attempt("ngx.socket.udp(1)")
attempt("(...):close(1)", s)
attempt("(...).send('x', 1)", s)
attempt("(...).receive(1)", s)
attempt("(...).close(1)", s)
attempt("(...).setpeername(1, 2)", s)


-- case: udp_sizes
local s = ngx.socket.udp()
s:setpeername("127.0.0.1", PORT.udp)
for _, size in ipairs {-1, 0, 100000, "3", 2.9} do
    s:send("abcdef")
    show(s:receive(size))
end
s:send(("x"):rep(9000))
show(#s:receive())
show(s:send(("x"):rep(70000)))
s:send(("y"):rep(8192))
show(#s:receive(8192))


-- case: udp_busy
local s = ngx.socket.udp()
s:setpeername("127.0.0.1", PORT.mute)
s:settimeout(50)
local t = ngx.thread.spawn(function() show("t", s:receive()) end)
show(s:receive())
show(s:send("x"))
show(s:close())
show(s:setpeername("127.0.0.1", PORT.udp))
show(ngx.thread.wait(t))
show(s:close())


-- case: udp_killed
local s = ngx.socket.udp()
s:setpeername("127.0.0.1", PORT.mute)
local t = ngx.thread.spawn(function() show("never", s:receive()) end)
show(ngx.thread.kill(t))
show(s:send("x"))
show(s:close())


-- case: udp_other_requests
local s = ngx.socket.udp()
s:setpeername("127.0.0.1", PORT.udp)
local lines = {}
ngx.timer.at(0, function()
    for _, f in ipairs {
        function() local x = s:receive() end,
        function() local x = s:send("x") end,
        function() local x = s:close() end,
        function() local x = s:setpeername("127.0.0.1", PORT.udp) end,
    } do
        local _, err = pcall(f)
        lines[#lines + 1] = err
    end
end)
ngx.sleep(0.05)
for _, line in ipairs(lines) do ngx.say(line) end
