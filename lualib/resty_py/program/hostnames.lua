-- Names with wildcards at their ends: names of servers, and maps of them.
--
--   new()                a set of names
--   add(set, name, value)  "a.b", "*.b", ".b" or "a.*", in lower case
--   find(set, name)      the value of the name that fits best, or nil: an
--                        exact one, then the longest beginning with a star,
--                        then the longest ending with one
--
-- Follows ngx_hash_find_combined and ngx_hash_add_key.

local find = string.find
local gsub = string.gsub
local sub = string.sub

local _M = {}


function _M.new()
    return {exact = {}, below = {}, above = {}}
end


local function put(names, name, value)
    if names[name] == nil then
        names[name] = value
    end
end


function _M.add(set, name, value)
    if sub(name, 1, 1) == "." and #name > 1 then
        put(set.exact, sub(name, 2), value)
        put(set.below, sub(name, 2), value)
    elseif sub(name, 1, 2) == "*." then
        put(set.below, sub(name, 3), value)
    elseif sub(name, -2) == ".*" then
        put(set.above, sub(name, 1, -3), value)
    else
        put(set.exact, name, value)
    end
end


local function find_below(names, name)
    local dot = find(name, ".", 1, true)
    while dot do
        local value = names[sub(name, dot + 1)]
        if value ~= nil then
            return value
        end
        dot = find(name, ".", dot + 1, true)
    end
end


local function find_above(names, name)
    repeat
        local cut, n = gsub(name, "%.[^.]*$", "")
        local value = n > 0 and names[cut] or nil
        if value ~= nil then
            return value
        end
        name = cut
    until n == 0
end


function _M.find(set, name)
    local value = set.exact[name]
    if value == nil then
        value = find_below(set.below, name)
    end
    if value == nil then
        value = find_above(set.above, name)
    end
    return value
end


return _M
