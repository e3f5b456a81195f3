-- connect: addresses, names, refusals, arguments, reconnecting, bind.


-- case: connect
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", PORT.puppet))
show(s:getreusedtimes())
show(s:send("say hi\n"))
show(s:receive(2))
show(s:close())
show(s:close())
show(s:receive())
show(s:send("x"))
show(s:getreusedtimes())
show(s:setkeepalive())


-- case: never_connected
local s = ngx.socket.tcp()
show(s:close())
show(s:receive())
show(s:receive(0))
show(s:receiveany(3))
show(s:receiveuntil("x")())
show(s:send("x"))
show(s:getreusedtimes())
show(s:setkeepalive())


-- case: refused
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", PORT.refused))
show(s:getreusedtimes())
show(s:connect("127.0.0.1", PORT.puppet))
show(s:close())


-- case: refused_quietly
local s, err = ngx.socket.connect("127.0.0.1", PORT.refused)
show(s, err)
local s, err = ngx.socket.connect("127.0.0.1", PORT.puppet)
show(type(s), err, s:close())


-- case: connect_timeout
local s = ngx.socket.tcp()
s:settimeout(30)
show(s:connect("127.0.0.1", PORT.unaccepting))
show(s:send("x"))
show(s:close())


-- case: reset_then_receive
local s = open()
s:send("reset\n")
settle()
show(s:receive())
show(s:send("x"))
show(s:receive())
show(s:close())


-- case: reset_then_send
local s = open()
s:send("reset\n")
settle()
show(s:send("x"))
show(s:send("x"))
show(s:receive())
show(s:close())


-- case: closed_at_once
local s = open(PORT.close)
show(s:receive())
show(s:receive())
show(s:send("x"))
settle()
show(s:send("x"))
show(s:send("y"))
show(s:close())


-- case: ipv6
local s = ngx.socket.tcp()
show(s:connect("[::1]", PORT.puppet6))
show(s:send("say x\\n\n"))
show(s:receive())
show(s:close())
show(s:connect("[::1]", PORT.refused))
for _, host in ipairs {"::1", "[::1", "[::1]x", "[zz]", "[]", "[::1]:",
                       "[::1]:x", "[1::2::3]", "[1:2:3:4:5:6:7:8:9]",
                       "[1:2:3:4:5:6:7::8]", "[12345::]", "[::1.2.3]"} do
    show(host, s:connect(host, 1))
end


-- case: unix
local s = ngx.socket.tcp()
show(s:connect("unix:" .. PORT.unix))
show(s:send("say x\\n\n"))
show(s:receive())
show(s:close())
show(s:connect("unix:" .. PORT.unix, nil, {}))
show(s:close())
show(s:connect("unix:" .. PORT.unix, {}))
show(s:close())
show(s:connect("UNIX:" .. PORT.unix))
show(s:close())
show(s:connect("unix:" .. PORT.unix, 8))
show(s:close())
show(s:connect("unix:/nonexistent/x"))
show(s:connect("unix:"))
show(s:connect("unix:/" .. ("x"):rep(200)))


-- case: hosts
local s = ngx.socket.tcp()
for _, host in ipairs {"127.0.0.1:1", "", "127.0.0.1/x", "http://x", "x?y",
                       "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:", ":1",
                       "127.0.0.1:x"} do
    show(host, s:connect(host, 1))
end
show(s:connect("127.0.0.1:" .. PORT.puppet, 1))
show(s:close())


-- case: ports
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1"))
show(s:connect("127.0.0.1", nil))
show(s:connect("127.0.0.1", {}))
show(s:connect("127.0.0.1", nil, {}))
for _, port in ipairs {-1, 65536, "x", "-2", "", true} do
    show(port, s:connect("127.0.0.1", port))
end
show(s:connect("127.0.0.1", tostring(PORT.puppet)))
show(s:close())
show(s:connect("127.0.0.1", PORT.puppet + 0.7))
show(s:close())


-- case: connect_arguments
local s = ngx.socket.tcp()
attempt("(...):connect()", s)
attempt("(...):connect(nil)", s)
attempt("(...):connect(nil, 1)", s)
attempt("(...):connect({}, 1)", s)
attempt("(...):connect(true, 1)", s)
attempt("(...):connect('a', 1, {}, 4)", s)
attempt("(...):connect('127.0.0.1', 1, 4)", s)
attempt("(...):connect(1, {}, {})", s)
attempt("ngx.socket.tcp(1)")
attempt("ngx.socket.connect('127.0.0.1')")


-- case: options_refused
local s = ngx.socket.tcp()
for _, options in ipairs {
    "{pool = true}", "{pool = {}}", "{pool = print}", "{pool_size = 0}",
    "{pool_size = -1}", "{pool_size = 'x'}", "{pool_size = {}}",
    "{pool_size = true}", "{pool_size = 0.5}", "{backlog = -1}",
    "{pool_size = 1, backlog = -3}",
} do
    attempt("(...):connect('127.0.0.1', 1, " .. options .. ")", s)
    attempt("(...):connect('unix:/x'," .. options .. ")", s)
end


-- case: options_taken
local s = ngx.socket.tcp()
for _, options in ipairs {
    {pool = 5}, {pool_size = "2", pool = "a1"}, {backlog = "x", pool = "a2"},
    {backlog = {}, pool = "a3"}, {backlog = 1, pool = "a4"},
} do
    show(s:connect("127.0.0.1", PORT.puppet, options))
    show(s:close())
end


-- case: reconnect
local s = open()
show(s:send("say abc\n"))
show(s:receive(1))
show(s:connect("127.0.0.1", PORT.puppet))
s:settimeout(20)
show(s:receive(1))
show(s:close())


-- case: bind
local s = ngx.socket.tcp()
attempt("(...):bind({})", s)
for _, address in ipairs {"x", "", "1.2.3", "127.0.0.1:x", "[::1]", "1.2.3.4.5",
                          "256.1.1.1", "::1", "127.0.0.1"} do
    show(address, s:bind(address))
end
attempt("(...):bind(5)", s)
show(s:connect("127.0.0.1", PORT.puppet))
show(s:close())
show(s:bind("192.0.2.1"))
show(s:connect("127.0.0.1", PORT.puppet))


-- case: no_self
local s = open()
for _, method in ipairs {"connect", "send", "receive", "receiveany", "close",
                         "setkeepalive", "getreusedtimes"} do
    attempt("(...)." .. method .. "()", s)
    attempt("(...)." .. method .. "(1)", s)
    attempt("(...)." .. method .. "(1, 2)", s)
    attempt("(...)." .. method .. "('a', 2, 3)", s)
    attempt("(...)." .. method .. "(nil)", s)
end
