-- Fractional numbers where 5.3 and later want integers.
--
-- 5.1 cuts the fraction off: string.rep("-", 2.5) is "--". From 5.3 on it is
-- an error. Here the functions that real programs hand the result of a
-- division cut it off again: string.rep and char, math.random and randomseed,
-- os.date, os.time; string.format has its own file. string.sub, byte and find
-- are too hot for it. os.difftime takes one time again.

local shim = ...

local ceil = math.ceil
local difftime = os.difftime
local floor = math.floor
local ipairs = ipairs
local math_type = math.type
local os = os
local pairs = pairs
local pcall = pcall
local select = select
local string = string
local time = os.time

local HUGE = math.huge


local function truncate(value)
    if math_type(value) ~= "float" or value ~= value
        or value == HUGE or value == -HUGE then
        return value
    end
    return value < 0 and ceil(value) or floor(value)
end


local function truncate_all(first, ...)
    if select("#", ...) == 0 then
        return truncate(first)
    end
    return truncate(first), truncate_all(...)
end


-- Tries the stock function first: fractions are rare.
local function tolerant(name, stock)
    return function(...)
        local ok, result = pcall(stock, ...)
        if ok then
            return result
        end
        ok, result = pcall(stock, truncate_all(...))
        if not ok then
            shim.retell(name, result)
        end
        return result
    end
end


for _, entry in ipairs {
    {math, "random"},
    {math, "randomseed"},
    {os, "date"},
    {string, "char"},
    {string, "rep"},
} do
    local library, name = entry[1], entry[2]
    library[name] = tolerant(name, library[name])
end


-- A copy: 5.3's os.time also rewrites its argument, 5.1's does not.
local function whole_fields(fields)
    local copy = {}
    for name, value in pairs(fields) do
        copy[name] = truncate(value)
    end
    return copy
end


function os.time(fields)
    if fields == nil then
        return time()
    end
    shim.expect(fields, "table", 1)
    local ok, result = pcall(time, whole_fields(fields))
    if not ok then
        shim.retell("time", result)
    end
    return result
end


function os.difftime(later, earlier)
    return difftime(later, earlier or 0)
end


shim.truncate = truncate
