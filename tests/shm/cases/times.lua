-- Times: expiry, ttl, what is stale, what sweeps remove.

-- case: expiry
local d = ngx.shared.expiry
show(d:set("key", "v", 0.05))
show(d:set("flags", "v", 0.05, 3))
show(d:set("list", 1), d:delete("list"), d:rpush("list", 1), d:expire("list", 0.05))
show(d:set("long", "v", 5000))
show(d:get("key"), d:get_stale("key"), d:get("flags"))
ngx.sleep(0.1)
show(d:get_stale("key"))
show(d:get_stale("flags"))
show(d:get_stale("list"))
show(d:ttl("key") < 0, d:ttl("long") > 4000)
show(d:get("long"))
show(d:get("flags"))
show(d:get_stale("key"))


-- case: expired_stores
local d = ngx.shared.expired_stores
local function again(value)
    for i = 1, 9 do d:set("k" .. i, value, 0.02) end
    ngx.sleep(0.05)
    for i = 1, 9 do d:ttl("k" .. i) end
end
again("12345678")
show(d:replace("k9", "x"))
show(d:add("k9", "abcdefgh"), d:get_stale("k9"))
show(d:add("k8", "other"), d:get_stale("k8"))
show(d:incr("k7", 1))
again(1)
show(d:incr("k9", 1, 10), d:get_stale("k9"))
show(d:set("k8", 5), d:get("k8"))
show(d:delete("k7"), d:get_stale("k7"))
show(d:rpush("k6", 1), d:llen("k6"))
show(d:lpop("k5"), d:llen("k5"))
d:flush_all()
show(d:flush_expired())
show(d:rpush("list", 1), d:rpush("list", 2), d:expire("list", 0.02))
for i = 1, 9 do d:set("x" .. i, 1, 0.01) end
show(d:ttl("list") > 0)
ngx.sleep(0.05)
show(d:incr("x9", 1, 1))
show(d:rpush("x8", 1))


-- case: reused_list
local d = ngx.shared.reused_list
show(d:set("first", 1))
show(d:rpush("list", "a"), d:rpush("list", "b"), d:expire("list", 0.02))
ngx.sleep(0.05)
show(d:llen("list"), d:lpop("list"))
show(d:rpush("list", "c"))
show(d:ttl("list"), d:lpop("list"), d:lpop("list"))


-- case: ttl
local d = ngx.shared.ttl
show(d:ttl("key"))
show(d:set("key", 1))
show(d:ttl("key"))
show(d:expire("key", 100), d:ttl("key"))
show(d:expire("key", 0.0009), d:ttl("key"))
show(d:expire("key", 2.5004), d:ttl("key"))
show(d:expire("key", -1), d:ttl("key"))
show(d:expire("key", 1e30), d:ttl("key"))
show(d:set("key", 1, 1e30), d:ttl("key"))
show(d:set("key", 1, 0/0), d:ttl("key"))
show(d:set("key", 1, 0.0001), d:ttl("key"))
show(d:set("key", 1, 0.01234), d:ttl("key"))
show(d:expire("other", 1))
show(d:replace("key", 2), d:ttl("key"))


-- case: flush
local d = ngx.shared.flush
for i = 1, 10 do d:set("k" .. i, i) end
show(unpack(d:get_keys()))
show(d:get("k3"))
show(unpack(d:get_keys(3)))
show(select("#", d:flush_all()))
show(#d:get_keys(), #d:get_keys(0))
show(d:get_stale("k1"), d:get_stale("k2"), d:get_stale("k3"))
show(d:flush_expired(2))
show(d:flush_expired(0))
show(d:flush_expired())
show(#d:get_keys())
for i = 1, 1100 do d:set("k" .. i, i) end
show(#d:get_keys(), #d:get_keys(0), #d:get_keys(7), #d:get_keys(-1))
show(#d:get_keys("8"), #d:get_keys(2.9))
show(d:get_keys(1)[1])
