-- sslhandshake: what it returns, and how it fails. A trusted authority.
--
-- Where a call fails at once OpenResty puts the number of an earlier failure
-- before the text; bare() takes it away.


-- case: verified
local s = open(PORT.tls)
local session, err = s:sslhandshake(nil, "test.example", true)
show(session ~= nil, err)
s:send("who\nsay hello\\n\n")
show((s:receive():gsub("TLSv1.%d ", "")))
show(s:receive())
show(s:close())
show(bare(s:sslhandshake(nil, "test.example", true)))


-- case: results
local s = open(PORT.tls)
show(s:sslhandshake(false, "test.example", true))
show(s:sslhandshake(false))
show(s:sslhandshake(nil) ~= nil)
local session = s:sslhandshake(true)
show(session ~= nil, session == s:sslhandshake(session))
show(s:sslhandshake(false, "nobody.example", true))
s:close()


-- case: no_name
local s = open(PORT.tls)
show(s:sslhandshake(false, nil, true))
s:send("who\n")
show((s:receive():gsub("TLSv1.%d ", "")))


-- case: empty_name
local s = open(PORT.tls)
show(s:sslhandshake(false, false, true))
s:close()


-- case: address_as_name
local s = open(PORT.tls)
show(s:sslhandshake(false, "127.0.0.1", true))
s:close()


-- case: host_mismatch
local s = open(PORT.tls)
show(s:sslhandshake(nil, "nobody.example", true))
show(s:send("x"))
show(s:receive())
show(s:close())
show(s:setkeepalive())
show(s:getreusedtimes())


-- case: mismatch_without_verify
local s = open(PORT.tls)
show(s:sslhandshake(false, "nobody.example", false))
s:send("say ok\\n\n")
show(s:receive())
s:close()


-- case: expired
local s = open(PORT.expired)
show(s:sslhandshake(nil, "test.example", true))
show(s:close())
local s = open(PORT.expired)
show(s:sslhandshake(false, "test.example"))


-- case: selfsigned
local s = open(PORT.selfsigned)
show(s:sslhandshake(nil, "test.example", true))


-- case: intermediate
local s = open(PORT.chained)
show(s:sslhandshake(false, "test.example", true))


-- case: garbage
local s = open(PORT.garbage)
show(s:sslhandshake(nil, "test.example", true))
show(s:receive())


-- case: alert
local s = open(PORT.alert)
show(s:sslhandshake())
show(s:close())


-- case: timeout
local s = open(PORT.mute_tls)
s:settimeout(50)
show(s:sslhandshake(nil, "test.example", true))
show(s:send("x"))


-- case: reset
local s = open(PORT.resetting)
show(s:sslhandshake())
show(s:close())


-- case: never_connected
local s = ngx.socket.tcp()
local function tail(ok, err)
    show(ok, (err:gsub("^.*%d: ", "")))
end
tail(pcall(s.sslhandshake, s))
local ok, err = s:connect("127.0.0.1", PORT.refused)
show(ok, err)
show(bare(s:sslhandshake()))


-- case: arguments
local s = open(PORT.tls)
show(s:sslhandshake(false, nil, nil, true))
show(s:sslhandshake(false, nil, nil, nil))
local _, err = pcall(s.sslhandshake, s, 1, 2, 3, 4, 5)
show((err:gsub("^.*:%d+: ", "")))


-- case: status_request
local s = open(PORT.tls)
show(s:sslhandshake(false, "test.example", true, true))
s:send("say ok\\n\n")
show(s:receive())


-- case: busy
local s = open(PORT.tls)
show(s:sslhandshake(false))
local reader = ngx.thread.spawn(function() return s:receive() end)
show(bare(s:sslhandshake(false)))
show(s:receive())
s:send("say done\\n\n")
show(select(2, ngx.thread.wait(reader)))
local t = open(PORT.mute_tls)
t:settimeout(200)
local shaker = ngx.thread.spawn(function() return t:sslhandshake() end)
show(bare(t:sslhandshake()))
show(t:send("x"))
show(t:receive())
show(t:close())
show(t:setkeepalive())
show(ngx.thread.wait(shaker))


-- case: downstream
local s = ngx.req.socket()
show(s)


-- case: unix
local s = ngx.socket.tcp()
show(s:connect("unix:" .. PORT.unix_tls))
show(s:sslhandshake(false, "test.example", true))
s:send("say ok\\n\n")
show(s:receive())
show(s:setkeepalive())


-- case: peer_leaves
local s = open(PORT.leaving)
show(s:sslhandshake())


-- case: client_certificate_demanded
local s = open(PORT.demanding)
show(s:sslhandshake(false, "test.example", true))


-- case: bad_certificates
local s = open(PORT.tls)
show(s:setclientcert())
show(s:setclientcert(nil, nil))
show(s:setclientcert("x"))
show(s:setclientcert(nil, "x"))
