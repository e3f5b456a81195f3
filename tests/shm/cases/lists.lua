-- Lists.


-- case: both_ends
local d = ngx.shared.both_ends
show(d:lpush("l", "a"))
show(d:lpush("l", "b"))
show(d:rpush("l", "c"))
show(d:rpush("l", 4.5))
show(d:llen("l"))
show(d:lpop("l"))
show(d:rpop("l"))
show(d:rpop("l"))
show(d:rpop("l"))
show(d:rpop("l"))
show(d:lpop("l"))
show(d:llen("l"))
show(d:get("l"))
show(d:rpush("l", ""))
show(d:lpop("l"))


-- case: other_types
local d = ngx.shared.other_types
show(d:set("s", "x"))
show(d:lpush("s", 1))
show(d:rpush("s", 1))
show(d:lpop("s"))
show(d:rpop("s"))
show(d:llen("s"))
show(d:rpush("l", 1))
show(d:get("l"))
show(d:get_stale("l"))
show(d:add("l", 1))
show(d:replace("l", 1))
show(d:get("l"))
show(d:delete("l"), d:rpush("l", 1), d:set("l", "x"), d:get("l"))
for _, value in ipairs {true, {}, print} do show(d:rpush("l", value)) end
show(d:rpush("l", nil))
show(d:rpush(7, 1), d:llen("7"), d:llen(7))


-- case: order_of_use
local d = ngx.shared.order_of_use
show(d:rpush("l", 1), d:set("a", 1), d:set("b", 1))
show(unpack(d:get_keys()))
show(d:llen("l"))
show(unpack(d:get_keys()))
show(d:get("a"), d:ttl("b"), d:expire("b", 9))
show(unpack(d:get_keys()))
show(d:add("b", 1), d:incr("l", 1), d:get_stale("a"))
show(unpack(d:get_keys()))
