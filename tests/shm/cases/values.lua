-- Values: what goes in comes out, and what each method says.


-- case: kinds
local d = ngx.shared.kinds
for _, value in ipairs {"", "text", "a\0b", 0, -0.5, 1e300, 2^53, true, false} do
    show(d:set("key", value))
    show(d:get("key"))
    show(d:get_stale("key"))
end
show(d:set("key", 1/0), d:get("key"))
show(d:set("key", -1/0), d:get("key"))
show(d:set("key", 0/0), d:get("key") ~= d:get("key"))
show(d:set("key", nil))
show(d:get("key"))
show(d:get_stale("key"))
show(d:set("key", {}))
show(d:set("key", print))
show(d:set("key", coroutine.create(function() end)))
show(d:get("missing"))
show(select("#", d:get("missing")), select("#", d:get_stale("missing")))


-- case: keys
local d = ngx.shared.keys
for _, key in ipairs {"a\0b", "a\0c", 7, 7.5, true, ("k"):rep(65535)} do
    show(d:set(key, "v"), #tostring(key))
    show(d:get(key))
end
show(d:get("7"), d:get("7.5"), d:get("true"))
for _, name in ipairs {"set", "safe_set", "add", "safe_add", "replace", "get",
                       "get_stale", "delete", "incr", "ttl"} do
    show(name, d[name](d, nil, 1))
    show(name, d[name](d, "", 1))
    show(name, d[name](d, ("k"):rep(65536), 1))
end
show(d:expire(nil, 1))
show(d:expire("", 1))
show(d:expire(("k"):rep(65536), 1))
for _, name in ipairs {"lpush", "rpush"} do
    show(name, d[name](d, nil, 1))
    show(name, d[name](d, "", 1))
    show(name, d[name](d, ("k"):rep(65536), 1))
end
for _, name in ipairs {"lpop", "rpop", "llen"} do
    show(name, d[name](d, nil))
    show(name, d[name](d, ""))
    show(name, d[name](d, ("k"):rep(65536)))
end
show(#d:get_keys())


-- case: flags
local d = ngx.shared.flags
show(d:set("key", "v", 0, 7), d:get("key"))
show(d:set("key", "v", 0, 0), d:get("key"))
show(d:set("key", "v", nil, nil), d:get("key"))
show(d:set("key", "v", false, false), d:get("key"))
show(d:set("key", true, 0, 2147483647), d:get("key"))
show(d:set("key", false, 0, -2147483648), d:get("key"))
show(d:set("key", 1, 0, 1.9), d:get("key"))
show(d:set("key", 1, 0, -1.9), d:get("key"))
show(d:get_stale("key"))
show(d:set("key", 1, 0, true), d:get("key"))
show(d:set("key", 1, 0, 4294967295), d:get("key"))
show(d:replace("key", 2, 0, 5), d:get("key"))
show(d:incr("key", 1), d:get("key"))
show(d:add("new", 2, 0, 6), d:get("new"))


-- case: numbers_of_ffi
local d = ngx.shared.numbers_of_ffi
local has_ffi, ffi = pcall(require, "ffi")
local function number(value)
    return has_ffi and ffi.new("int64_t", value) or value
end
show(d:set("key", 1, number(60), number(5)))
show(d:get("key"))
show(math.ceil(d:ttl("key")))
show(d:expire("key", number(30)), math.ceil(d:ttl("key")))
show(d:set("key", 1, number(0), number(-5)), d:ttl("key"), d:get("key"))
show(pcall(d.set, d, "key", 1, number(-1)))
show(d:incr("new", number(2), number(1), number(60)))
show(math.ceil(d:ttl("new")))


-- case: stores
local d = ngx.shared.stores
show(d:add("key", 1))
show(d:add("key", 2))
show(d:safe_add("key", 2))
show(d:get("key"))
show(d:replace("key", "x"))
show(d:replace("other", "x"))
show(d:get("key"))
show(d:safe_set("key", true))
show(d:get("key"))
show(d:delete("key"))
show(d:delete("key"))
show(d:get("key"))
show(d:safe_add("key", false))
show(d:get("key"))
show(d:add("key", nil))
show(d:add("none", nil))
show(d:safe_add("none", nil))
show(d:replace("key", nil))
show(d:safe_set("key", nil))
show(d:get("key"))


-- case: incr
local d = ngx.shared.incr
show(d:incr("n", 1))
show(d:incr("n", 1, 10))
show(d:incr("n", 1, 10))
show(d:incr("n", 1))
show(d:incr("n", -0.5))
show(d:incr("n", "2"))
show(d:incr("n", "0x10"))
show(d:incr("m", 1, "3"))
show(d:incr("k", 1, 0, 5), d:ttl("k") <= 5)
show(d:incr("k", 1, 0, 50), d:ttl("k") <= 5)
show(d:incr("j", 1, 0, "50"), d:ttl("j") <= 50)
show(d:set("s", "12345678"))
show(d:incr("s", 1))
show(d:incr("s", 1, 0))
show(d:set("b", true))
show(d:incr("b", 1))
show(d:rpush("l", 1))
show(d:incr("l", 1))
show(d:incr("l", 1, 1))
show(d:incr("f", 1, false))


-- case: sizes
local d = ngx.shared.sizes
for _, size in ipairs {1, 8, 9, 4000, 4096, 4097, 100000, 300000} do
    local text = ("ab"):rep(size):sub(1, size)
    show(size, d:set("key", text), d:get("key") == text, d:get_stale("key") == text)
    show(d:rpush("list", text), d:lpop("list") == text, d:free_space())
end


-- case: everything
show(type(ngx.shared.everything), type(ngx.shared.nowhere))
show(type(getmetatable(ngx.shared.everything).__index))
local names = {}
for name in pairs(ngx.shared) do names[#names + 1] = name end
table.sort(names)
show(unpack(names))
show(ngx.shared.everything:capacity(), ngx.shared.small:capacity())
show(ngx.shared.everything:free_space())
show(rawequal(ngx.shared.everything, ngx.shared.everything))
local derived = setmetatable({}, {__index = ngx.shared.everything})
show(derived:set("a", 1), derived:get("a"), ngx.shared.everything:get("a"))
