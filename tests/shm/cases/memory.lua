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
