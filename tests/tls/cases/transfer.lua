-- Everything a cosocket does, over TLS.


-- case: receive
local s = open(PORT.tls)
s:sslhandshake(false)
s:send {"say one\\ntwo\\n", {"three\\n"}, "\n"}
show(s:receive(), s:receive("*l"), s:receive(3))
show(s:receive(2), s:receive(0), s:receiveany(10))
s:send("say abc--def--\n")
local iterator = s:receiveuntil("--")
show(iterator())
show(iterator(2))
show(iterator(2))
show(iterator(2))
s:send("say rest\nclose\n")
show(s:receive("*a"))
show(s:receive("*a"))


-- case: large
local s = open(PORT.tls)
s:sslhandshake(false)
s:send("flood 300000\n")
local data = s:receive(300000)
show(#data, ngx.md5(data))
s:send {"digest 300000\n", data}
show(s:receive())
s:send("flood 100000\nclose\n")
data = s:receive("*a")
show(#data, ngx.md5(data))


-- case: large_both_ways
local s = open(PORT.tls)
s:sslhandshake(false)
local data = ("0123456789"):rep(200000)
local writer = ngx.thread.spawn(function()
    return s:send {"echo " .. #data .. "\n", data}
end)
local back = s:receive(#data)
show(#back, back == data)
show(ngx.thread.wait(writer))


-- case: byte_by_byte
local s = open(PORT.drip)
show(s:sslhandshake(false, "test.example", true))
s:send("say drop by drop\\n\n")
show(s:receive())
s:send("digest 5\nhello")
show(s:receive())
s:close()


-- case: close_notify
local s = open(PORT.tls)
s:sslhandshake(false)
s:send("say partial\nclose\n")
show(s:receive())
show(s:receive())


-- case: close_without_notify
local s = open(PORT.tls)
s:sslhandshake(false)
s:send("say partial\ncut\n")
show(s:receive())
show(s:receive())


-- case: all_without_notify
local s = open(PORT.tls)
s:sslhandshake(false)
s:send("say all of it\ncut\n")
show(s:receive("*a"))


-- case: reset_then_receive
local s = open(PORT.tls)
s:sslhandshake(false)
s:send("reset\n")
show(s:receive())
show(s:receive())


-- case: reset_then_send
local s = open(PORT.tls12)
s:sslhandshake(false)
s:send("reset\n")
for _ = 1, 200 do
    local ok, err = s:send("x")
    if not ok then
        show(ok, err == "broken pipe" or err == "connection reset by peer")
        break
    end
    ngx.sleep(0.01)
end


-- case: garbage_record
local s = open(PORT.tls12)
s:sslhandshake(false)
s:send("raw GET / HTTP/1.1\\r\\n\\r\\n\n")
show((s:receive()))
show(s:receive())


-- case: bad_record
local s = open(PORT.tls12)
s:sslhandshake(false)
s:send("raw \\x17\\x03\\x03\\x00\\x20" .. ("x"):rep(32) .. "\n")
show((s:receive()))
show(s:receive())


-- case: timeouts
local s = open(PORT.tls)
s:sslhandshake(false)
s:settimeouts(1000, 50, 50)
s:send("say part\n")
settle()
settle()
settle()
show(s:receive())
s:settimeouts(1000, 50, 5000)
s:send("say whole\\n\n")
show(s:receive())
s:send("hush\n")
s:settimeouts(1000, 50, 50)
local data = ("x"):rep(1000000)
repeat
    local ok, err = s:send(data)
until not ok
show(s:send("x"))
show(s:receive(1))
show(s:close())


-- case: keepalive
local pool = {pool = "tls"}
local s = ngx.socket.tcp()
show(s:connect("127.0.0.1", PORT.tls12, pool))
show(s:sslhandshake(nil, "test.example", true) ~= nil, s:getreusedtimes())
s:send("say one\\n\n")
show(s:receive(), s:setkeepalive())
show(s:connect("127.0.0.1", PORT.tls12, pool))
show(s:getreusedtimes())
show(s:sslhandshake(false, "nobody.example", true))
show(s:sslhandshake(nil, "nobody.example", true) ~= nil)
s:send("who\n")
show(s:receive(), s:setkeepalive(10000))
local t = ngx.socket.tcp()
show(t:connect("127.0.0.1", PORT.tls12, pool))
t:send("say two\\nthree\n")
show(t:getreusedtimes(), t:receive())
show(t:setkeepalive())
settle()
show(t:close())


-- case: pooled_and_closed
local s = ngx.socket.tcp()
s:connect("127.0.0.1", PORT.tls12, {pool = "closing"})
s:sslhandshake(false)
s:send("say one\\nx\nsay two\\n\n")
show(s:receive(), s:setkeepalive())
show(s:receive(1), s:receive(), s:setkeepalive())
show(s:connect("127.0.0.1", PORT.tls12, {pool = "closing"}))
show(s:getreusedtimes())
s:close()


-- case: reconnect
local s = open(PORT.tls12)
show(s:sslhandshake(false))
show(s:connect("127.0.0.1", PORT.puppet))
s:send("say plain\\n\n")
show(s:receive())
show(s:connect("127.0.0.1", PORT.tls12))
show(s:sslhandshake(false))
s:send("say again\\n\n")
show(s:receive())


-- case: resumption
local s = open(PORT.tls12)
local session = s:sslhandshake(nil, "test.example", true)
s:send("who\n")
show(s:receive())
s:close()
s = open(PORT.tls12)
local second = s:sslhandshake(session, "test.example", true)
s:send("who\n")
show(s:receive(), second ~= nil)
s:close()
s = open(PORT.tls12)
s:sslhandshake("no session", "test.example", true)
s:send("who\n")
show(s:receive())
s:close()
s = open(PORT.tls12)
show(s:sslhandshake(session, "nobody.example", true))


-- case: concurrent_timers
local function fetch()
    local s = open(PORT.tls)
    s:sslhandshake(false)
    s:send("say x\\n\n")
    local line = s:receive()
    s:close()
    return line
end
local threads = {}
for i = 1, 10 do
    threads[i] = ngx.thread.spawn(fetch)
end
for i = 1, 10 do
    show(ngx.thread.wait(threads[i]))
end


-- case: killed_in_handshake
local s = open(PORT.mute_tls)
local shaker = ngx.thread.spawn(function() return s:sslhandshake() end)
show(ngx.thread.kill(shaker))
show(bare(s:sslhandshake()))
show(s:close())
