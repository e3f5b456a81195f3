-- send: what it takes, and how it fails.


-- case: send_types
local s = open()
for _, value in ipairs {
    "'count 3\\n'", "123", "1.5", "{'count 9\\n', {'a', {1, 2.5}, 'x'}}", "'x'",
    "nil", "true", "false", "''", "{}", "{nil, 'x'}", "{[2] = 'x'}", "{false}",
    "{true}", "{[0] = 1}", "{a = 1}", "{[1.5] = 1}", "{print}", "{{a = 1}}",
    "print", "{ngx.null}", "ngx.null", "{nil}", "{1, {}}", "{'', ''}",
} do
    attempt("(...):send(" .. value .. ")", s)
end
attempt("(...):send()", s)
attempt("(...):send(1, 2)", s)


-- case: send_numbers
local s = open()
local function echo(...)
    show(s:send {"say ", {...}, "\\n\n"})
    show(s:receive())
end
echo(1, " ", 2.5, " ", -3, " ", {1e15, " ", {1e100}})
echo(0.1, " ", 2 ^ 53, " ", 1 / 3, " ", -0.5, " ", 1000000000)
echo(1e15, " ", 1e16, " ", 123456789012, " ", 7 / 7)


-- case: send_after_peer_closed
local s = open()
s:send("close\n")
show(s:receive())
settle()
show(s:send("x"))
settle()
show(s:send("x"))
show(s:send("y"))
show(s:close())


-- case: half_closed_by_peer
local s = open()
s:send("fin\n")
show(s:receive())
show(s:send("say x\n"))
show(s:receive())
show(s:close())


-- case: write_timeout
local s = open(PORT.small)
s:settimeout(30)
s:send("hush\n")
show(s:send(("x"):rep(6000000)))
show(s:send("x"))
show(s:setkeepalive())
show(s:receive())
show(s:close())


-- case: write_reset
local s = open(PORT.small)
s:send("reset\n")
settle()
show(s:send(("x"):rep(6000000)))
show(s:send("x"))
show(s:receive())
show(s:close())


-- case: big_send
local s = open()
s:setoption("sndbuf", 1)
local size = 1000000
s:send("count " .. size .. "\n")
show(s:send(("x"):rep(size)))
show(s:receive())


-- case: settimeouts
local s = ngx.socket.tcp()
for _, value in ipairs {"", "1, 2", "-1", "2^31", "2^31 - 1", "'x'", "nil", "0",
                        "0.5", "{}"} do
    attempt("(...):settimeout(" .. value .. ")", s)
end
for _, values in ipairs {"", "1", "1, 2, 3, 4", "1, 2, -3", "-1, 2, 3",
                         "nil, nil, nil", "1, 2, 3"} do
    attempt("(...):settimeouts(" .. values .. ")", s)
end
s:settimeouts(1000, 1000, 15)
show(s:connect("127.0.0.1", PORT.puppet))
show(s:receive())
s:settimeout(10)
show(s:receive())


-- case: timeouts_without_a_number
local s = open()
attempt("(...):settimeout(0/0)", s)
attempt("(...):settimeouts(1, 0/0, 1)", s)
attempt("(...):receive(0/0)", s)
attempt("(...):receiveany(0/0)", s)


-- case: options
local s = open()
for _, arguments in ipairs {"", "'keepalive'", "'x', 1", "1, 1", "nil, 1"} do
    attempt("(...):setoption(" .. arguments .. ")", s)
end
attempt("(...):getoption()", s)
attempt("(...):getoption('x')", s)
for _, option in ipairs {"keepalive", "reuseaddr"} do
    show(option, s:getoption(option))
    for _, value in ipairs {true, 0, 1, false, 2} do
        show(value, s:setoption(option, value), s:getoption(option))
    end
end
for _, option in ipairs {"sndbuf", "rcvbuf"} do
    show(s:setoption(option, 4096))
    show(s:getoption(option))
end
s:close()
show(s:setoption("keepalive", true))
show(s:getoption("keepalive"))
