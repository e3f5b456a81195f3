-- Memory: what fits, what is evicted, what is free.


-- case: full
local d = ngx.shared.small
local forced = 0
for i = 1, 2000 do
    local ok, err, forcible = d:set("key" .. i, ("v"):rep(i % 120))
    if forcible then forced = forced + 1 end
    if not ok then show(i, err) end
end
show(forced, #d:get_keys(0), d:free_space())
show(d:safe_set("more", ("v"):rep(500)))
show(d:safe_add("more", ("v"):rep(500)))
show(d:safe_set("key2000", ("v"):rep(119)))
show(d:get("key2000"))
show(d:add("more", ("v"):rep(500)))
show(d:incr("number", 1, 1))
show(d:rpush("list", 1))
show(d:set("huge", ("v"):rep(200000)))
show(#d:get_keys(0), d:free_space())
d:flush_all()
show(d:flush_expired(), d:free_space())


-- case: mixed
local d = ngx.shared.medium
local seed = 42
local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
end
local SIZES = {0, 5, 20, 60, 61, 100, 188, 300, 900, 1900, 3000, 5000, 20000}
local methods = {"set", "add", "replace", "safe_set", "safe_add"}
local lists = {"lpush", "rpush"}
local pops = {"lpop", "rpop"}
local lines = {}
for i = 1, 4000 do
    local key, list = "key" .. random(300), "list" .. random(90)
    local value = ("x"):rep(SIZES[random(#SIZES) + 1])
    local choice = random(10)
    local a, b, c
    if choice < 4 then
        a, b, c = d[methods[random(5) + 1]](d, key, value, 0, random(3))
    elseif choice == 4 then
        a, b, c = d:delete(key)
    elseif choice == 5 then
        a, b, c = d:incr(key, random(9), random(2))
    elseif choice == 6 then
        a, b, c = d[lists[random(2) + 1]](d, list, value)
    elseif choice == 7 then
        a, b = d[pops[random(2) + 1]](d, list)
        a = a and #a
    elseif choice == 8 then
        a, b = d:get(key)
        a = type(a) == "string" and #a or a
    elseif random(100) == 0 then
        d:flush_all()
    else
        a, b = d:set(key, random(2) == 0, 0, 1)
    end
    lines[i] = table.concat({i, tostring(a), tostring(b), tostring(c),
                             d:free_space()}, " ")
end
ngx.say(table.concat(lines, "\n"))
ngx.say(table.concat(d:get_keys(0), " "))


-- case: fragments
local d = ngx.shared.medium_too
local seed = 7
local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
end
-- Around the sizes of slots and pages, with what an entry or a node adds.
local SIZES = {0, 1, 56, 60, 61, 188, 1978, 1979, 1980, 2027, 2028, 4020, 4028, 4029,
               8100, 12000, 50000}
local LENGTHS = {0, 3, 40, 200, 1500}
local function name(prefix, count)
    local number = random(count)
    return prefix .. number .. ("k"):rep(LENGTHS[number % #LENGTHS + 1])
end
local function brief(value)
    return type(value) == "string" and #value > 20 and #value or tostring(value)
end
local calls = {
    function(value) return d:set(name("key", 200), value) end,
    function(value) return d:safe_set(name("key", 200), value, 0, random(3)) end,
    function(value) return d:set(name("list", 30), value) end,
    function() return d:delete(name("key", 200)) end,
    function() return d:delete(name("list", 30)) end,
    function(value) return d:rpush(name("list", 30), value) end,
    function() return d:lpush(name("list", 30), random(99)) end,
    function() return d:lpop(name("list", 30)) end,
    function() return d:rpop(name("list", 30)) end,
    function() return d:llen(name("list", 30)) end,
    function() return d:get_stale(name("list", 30)) end,
    function() return d:incr(name("key", 200), 1, random(2) == 0 and 5 or nil) end,
    function() return #d:get_keys(random(30)) end,
    function()
        if random(40) == 0 then d:flush_all() end
        return d:flush_expired(random(20))
    end,
}
local lines = {}
for i = 1, 3000 do
    local value = ("x"):rep(SIZES[random(#SIZES) + 1])
    local a, b, c = calls[random(#calls) + 1](value)
    lines[i] = table.concat({i, brief(a), tostring(b), tostring(c), d:free_space()}, " ")
end
ngx.say(table.concat(lines, "\n"))
local keys = d:get_keys(0)
for i, key in ipairs(keys) do keys[i] = key:sub(1, 9) .. #key end
ngx.say(table.concat(keys, " "))
