-- receive and receiveany: patterns, sizes, partial data, ends.


-- case: receive_lines
local s = open()
s:send("say a\\r\\nb\\r\\r\\n\\rc\\rd\\n\\n\\r\\n\\0\\xff\\n\n")
for _ = 1, 3 do show(s:receive()) end
for _ = 1, 3 do show(s:receive("*l")) end
s:send("drip a\\rb\\r\\nc\\n\n")
show(s:receive())
show(s:receive())


-- case: receive_sizes
local s = open()
s:send("say 123456789abcdef\n")
for _, size in ipairs {0, "2", 1.9, "0", "0x1", " 1 ", 0.5, -0.5, "3e0"} do
    show(size, s:receive(size))
end


-- case: receive_arguments
local s = open()
for _, pattern in ipairs {"nil", "-1", "'-1'", "'*x'", "'*'", "'l'", "'*ll'", "''",
                          "{}", "true", "print", "'x'", "1, 2", "'*L'", "'*n'"} do
    attempt("(...):receive(" .. pattern .. ")", s)
end
s:close()
attempt("(...):receive('x')", s)
attempt("(...):receive(-1)", s)
attempt("(...):receive(1, 2)", s)


-- case: receive_all
local s = open()
s:send("say abc\nfin\n")
show(s:receive("*a"))
show(s:receive("*a"))
show(s:receive("*l"))
show(s:receive(1))
show(s:receive(0))
show(s:close())
local s = open()
s:send("fin\n")
show(s:receive("*a"))
show(s:receive("*a"))


-- case: receive_timeout
local s = open()
s:settimeout(20)
s:send("say abc\n")
settle()
show(s:receive())
show(s:receive())
s:send("say de\\nf\n")
settle()
show(s:receive())
show(s:receive(3))
s:send("say ghi\n")
settle()
show(s:receive(3))
s:send("say jk\n")
settle()
show(s:receive("*a"))
show(s:receiveany(10))
s:send("say xyz\n")
settle()
for _ = 1, 3 do show(s:receiveany(2)) end
show(s:setkeepalive())
show(s:close())


-- case: receive_closed
local function ends(...)
    for i = 1, select("#", ...) do
        local s = open()
        s:send("say abc\nclose\n")
        local what = select(i, ...)
        show(what, s:receive(what))
        show(what, s:receive(what))
        show(s:receive(0))
        show(s:receiveany(1))
        show(s:getreusedtimes())
        show(s:setkeepalive())
        show(s:close())
        show(s:close())
    end
end
ends("*l", "*a", 5, 3)


-- case: receiveany_closed
local s = open()
s:send("say abc\nclose\n")
settle()
show(s:receiveany(2))
show(s:receiveany(5))
show(s:receiveany(5))
show(s:receiveany(5))
show(s:close())


-- case: receive_reset
local s = open()
s:send("say abc\n")
show(s:receive(2))
s:send("reset\n")
settle()
show(s:receive())
show(s:receive())
show(s:send("x"))
show(s:close())


-- case: reset_while_receiving
local s = open()
s:send("reset\n")
show(s:receive())
show(s:receive())
show(s:send("x"))
show(s:receive())
show(s:close())


-- case: receiveany_arguments
local s = open()
for _, max in ipairs {"", "nil", "0", "-1", "'x'", "{}", "1, 2", "'0'", "true",
                      "0.5"} do
    attempt("(...):receiveany(" .. max .. ")", s)
end
s:send("say abcdef\n")
show(s:receiveany("2"))
show(s:receiveany(1.5))
settle()
show(s:receiveany(2 ^ 40))


-- case: long_lines
local s = open()
s:send("zeros 100000\nsay x\\r\\ny\n")
local line = s:receive()
show(#line, line:sub(-1))
show(s:receive(1))
s:send("zeros 300000\nsay tail\n")
show(#s:receive(300000))
show(s:receive(4))


-- case: busy_reading
local s = open()
s:settimeout(5000)
local t = ngx.thread.spawn(function() show("t", s:receive()) end)
show(s:receive())
show(s:receive(0))
show(s:receiveany(1))
show(s:receiveuntil("x")())
show(s:close())
show(s:setkeepalive())
show(s:connect("127.0.0.1", PORT.puppet))
attempt("(...):receive('x')", s)
show(s:send("say ok\\n\n"))
show(ngx.thread.wait(t))
show(s:close())


-- case: busy_connecting
local s = ngx.socket.tcp()
s:settimeout(60)
local t = ngx.thread.spawn(function()
    show("t", s:connect("127.0.0.1", PORT.unaccepting))
end)
show(s:connect("127.0.0.1", PORT.puppet))
show(s:send("x"))
show(s:receive())
show(s:close())
show(s:setkeepalive())
show(s:getreusedtimes())
show(ngx.thread.wait(t))
show(s:receive())


-- case: busy_writing
local s = open(PORT.small)
s:settimeout(60)
s:send("hush\n")
local t = ngx.thread.spawn(function()
    show("t", s:send(("x"):rep(6000000)))
end)
show(s:send("y"))
show(s:send(""))
show(s:close())
show(s:setkeepalive())
show(s:connect("127.0.0.1", PORT.puppet))
show(ngx.thread.wait(t))
show(s:send("x"))
show(s:receive())
show(s:close())


-- case: killed_while_receiving
local s = open()
local t = ngx.thread.spawn(function() show("never", s:receive()) end)
show(ngx.thread.kill(t))
show(s:send("say x\n"))
show(s:receive())
show(s:close())


-- case: killed_while_sending
local s = open(PORT.small)
s:send("hush\n")
local t = ngx.thread.spawn(function()
    show("never", s:send(("x"):rep(6000000)))
end)
show(ngx.thread.kill(t))
show(s:send("x"))
show(s:close())


-- case: other_requests
local s = open()
local lines = {}
local function note(...)
    for i = 1, select("#", ...) do
        lines[#lines + 1] = tostring((select(i, ...)))
    end
end
ngx.timer.at(0, function()
    for _, f in ipairs {
        function() local x = s:receive() end,
        function() local x = s:receive(0) end,
        function() local x = s:receiveany(1) end,
        function() local x = s:receiveuntil("x")() end,
        function() local x = s:send("x") end,
        function() local x = s:close() end,
        function() local x = s:connect("127.0.0.1", PORT.puppet) end,
        function() local x = s:setkeepalive() end,
        function() note(s:getreusedtimes()) end,
        function() s:settimeout(5) end,
    } do
        note(pcall(f))
    end
end)
ngx.sleep(0.05)
for _, line in ipairs(lines) do ngx.say(line) end
show(s:close())
lines = {}
ngx.timer.at(0, function()
    note(pcall(function() local x = s:connect("127.0.0.1", PORT.puppet) end))
    note(pcall(function() return s:receive() end))
    note(pcall(function() return s:close() end))
end)
ngx.sleep(0.05)
for _, line in ipairs(lines) do ngx.say(line) end


-- case: across_c
local s = open()
s:send("say x\\n\n")
settle()
show(pcall(string.gsub, "a", "a", function() return s:receive() end))
local function receive() return s:receive() end
show(pcall(string.gsub, "a", "a", receive))
local other = ngx.socket.tcp()
show(pcall(string.gsub, "a", "a", function()
    return tostring(other:connect("127.0.0.1", PORT.unaccepting))
end))
ngx.sleep(0.02)
show("alive")
