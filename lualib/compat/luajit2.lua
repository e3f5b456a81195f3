-- The table functions of OpenResty's luajit2, as modules to require:
-- "table.new", clear, nkeys, isarray, isempty, clone. As there, requiring
-- one also enters the function in `table`.

local shim = ...

local floor = math.floor
local max = math.max
local next = next
local package = package
local pairs = pairs
local table = table
local type = type

local FUNCTIONS = {}


-- table.new(array_size, hash_size): an empty table; the sizes are only a hint.
function FUNCTIONS.new(array_size, hash_size)
    shim.expect(array_size, "number", 1)
    shim.expect(hash_size, "number", 2)
    return {}
end


-- table.clear(t): takes all keys out, keeps the metatable.
function FUNCTIONS.clear(t)
    shim.expect(t, "table", 1)
    for key in next, t do
        t[key] = nil
    end
end


-- table.nkeys(t): the number of keys
function FUNCTIONS.nkeys(t)
    shim.expect(t, "table", 1)
    local count = 0
    for _ in next, t do
        count = count + 1
    end
    return count
end


-- table.isarray(t): whether every key is a whole number
function FUNCTIONS.isarray(t)
    shim.expect(t, "table", 1)
    for key in next, t do
        if type(key) ~= "number" or key ~= floor(key) then
            return false
        end
    end
    return true
end


-- table.isempty(t)
function FUNCTIONS.isempty(t)
    shim.expect(t, "table", 1)
    return next(t) == nil
end


-- table.clone(t): a shallow copy without the metatable
function FUNCTIONS.clone(t)
    shim.expect(t, "table", 1)
    local copy = {}
    for key, value in next, t do
        copy[key] = value
    end
    return copy
end


-- 5.5 has table.create, which takes the same two sizes, whole ones only.
if table.create then
    local create = table.create

    function FUNCTIONS.new(array_size, hash_size)
        shim.expect(array_size, "number", 1)
        shim.expect(hash_size, "number", 2)
        return create(max(floor(array_size), 0), max(floor(hash_size), 0))
    end
end


for name, implementation in pairs(FUNCTIONS) do
    local module = "table." .. name
    if not package.preload[module] then
        package.preload[module] = function()
            table[name] = implementation
            return implementation
        end
    end
end
