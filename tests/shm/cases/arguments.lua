-- Arguments that are refused, and where the error points.


-- case: zones
local d = ngx.shared.kinds
for _, name in ipairs {"set", "safe_set", "add", "safe_add", "replace", "delete",
                       "get", "get_stale", "incr", "ttl", "expire", "flush_all",
                       "capacity", "free_space"} do
    local method = d[name]
    show(name, pcall(function() local a = method(nil, "k", 1) return a end))
    show(name, pcall(function() local a = method({}, "k", 1) return a end))
    show(name, pcall(function() local a = method({1}, "k", 1) return a end))
    show(name, pcall(function() local a = method("x", "k", 1) return a end))
end
for _, name in ipairs {"lpush", "rpush"} do
    local method = d[name]
    show(name, pcall(function() local a = method(nil, "k", 1) return a end))
    show(name, pcall(function() local a = method({}, "k", 1) return a end))
end
for _, name in ipairs {"lpop", "rpop", "llen"} do
    local method = d[name]
    show(name, pcall(function() local a = method(nil, "k") return a end))
    show(name, pcall(function() local a = method({}, "k") return a end))
end
for _, name in ipairs {"flush_expired", "get_keys"} do
    local method = d[name]
    show(name, pcall(function() local a = method({}) return a end))
end


-- case: times
local d = ngx.shared.kinds
for _, name in ipairs {"set", "safe_set", "add", "safe_add", "replace"} do
    show(name, pcall(function() local a = d[name](d, "k", 1, -1) return a end))
    show(name, pcall(function() local a = d[name](d, nil, 1, -1) return a end))
end
show(pcall(function() local a = d:expire("k") return a end))
show(pcall(function() local a = d:expire(nil) return a end))
show(pcall(function() local a = d:incr("k", 1, 1, -1) return a end))
show(pcall(function() local a = d:incr("k", 1, 1, "x") return a end))
show(pcall(function() local a = d:incr("k", 1, nil, 1) return a end))
show(pcall(function() local a = d:incr("k", 1, "x") return a end))
show(pcall(function() local a = d:incr("k", 1, {}) return a end))


-- case: counts
local d = ngx.shared.kinds
for _, name in ipairs {"lpush", "rpush", "lpop", "rpop", "llen"} do
    show(name, pcall(function() local a = d[name]() return a end))
    show(name, pcall(function() local a = d[name](d) return a end))
    show(name, pcall(function() local a = d[name](d, "k", 1, 2) return a end))
end
for _, name in ipairs {"flush_expired", "get_keys"} do
    show(name, pcall(function() local a = d[name]() return a end))
    show(name, pcall(function() local a = d[name](d, 1, 2) return a end))
end
show(pcall(function() local a = d:lpush({}, 1) return a end))
show(pcall(function() local a = d:rpush(true, 1) return a end))
show(pcall(function() local a = d:lpop({}) return a end))
show(pcall(function() local a = d:rpop(print) return a end))
show(pcall(function() local a = d:llen(false) return a end))
show(pcall(function() local a = d:flush_expired("x") return a end))
show(pcall(function() local a = d:get_keys({}) return a end))


-- case: uncaught
ngx.shared.kinds:set("k", 1, -1)


-- case: uncaught_list
ngx.shared.kinds.llen(1)
