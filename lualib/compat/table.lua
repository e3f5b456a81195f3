-- table, and the globals around it: unpack, getn, maxn, foreach, foreachi of
-- 5.1; pack, unpack, move and rawlen of later versions.

local shim = ...

local next = next
local pairs = pairs
local select = select
local table = table
local type = type

local unpack = unpack or table.unpack

_G.unpack = unpack
table.unpack = unpack


local function copy_up(source, first, last, offset, target)
    for index = first, last do
        target[index + offset] = source[index]
    end
end


local function copy_down(source, first, last, offset, target)
    for index = last, first, -1 do
        target[index + offset] = source[index]
    end
end


local FUNCTIONS = {}


-- table.pack(…): a list with the number of values in the field n
function FUNCTIONS.pack(...)
    return {n = select("#", ...), ...}
end


-- table.move(source, first, last, place [, target])
function FUNCTIONS.move(source, first, last, place, target)
    shim.expect(source, "table", 1)
    target = target or source
    local overlaps = target == source and place > first and place <= last
    local copy = overlaps and copy_down or copy_up
    copy(source, first, last, place - first, target)
    return target
end


-- table.getn(list)
function FUNCTIONS.getn(list)
    shim.expect(list, "table", 1)
    return #list
end


-- table.maxn(t): the largest positive numerical key
function FUNCTIONS.maxn(t)
    shim.expect(t, "table", 1)
    local largest = 0
    for key in next, t do
        if type(key) == "number" and key > largest then
            largest = key
        end
    end
    return largest
end


-- table.foreach(t, f): until f(key, value) answers a value
function FUNCTIONS.foreach(t, f)
    shim.expect(t, "table", 1)
    for key, value in next, t do
        local answer = f(key, value)
        if answer ~= nil then
            return answer
        end
    end
end


-- table.foreachi(list, f): until f(index, value) answers a value
function FUNCTIONS.foreachi(list, f)
    shim.expect(list, "table", 1)
    for index = 1, #list do
        local answer = f(index, list[index])
        if answer ~= nil then
            return answer
        end
    end
end


for name, replacement in pairs(FUNCTIONS) do
    table[name] = table[name] or replacement
end


if not _G.rawlen then
    -- `#` is raw on 5.1 and LuaJIT.
    function _G.rawlen(value)
        if type(value) ~= "table" and type(value) ~= "string" then
            shim.blame(1, "table or string expected")
        end
        return #value
    end
end
