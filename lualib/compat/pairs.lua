-- pairs and ipairs honour __pairs and __ipairs.
--
-- The replacement hands the loop the same `next` (the same iterator of
-- ipairs) as stock Lua, so LuaJIT still compiles the loop's own instruction.
-- 5.3 and later have __pairs but dropped __ipairs; their ipairs reads through
-- __index, unlike 5.1's, and keeps doing so.

local shim = ...

local getmetatable = debug.getmetatable
local next = next
local rawget = rawget
local stock_ipairs = ipairs
local type = type


local function answer()
    return true
end


if pairs(setmetatable({}, {__pairs = answer})) ~= true then
    function _G.pairs(value)
        local meta = getmetatable(value)
        local custom = meta and rawget(meta, "__pairs")
        if custom then
            local iterate, state, key = custom(value)
            return iterate, state, key
        end
        if type(value) ~= "table" then
            shim.expect(value, "table", 1)
        end
        return next, value, nil
    end
end


if stock_ipairs(setmetatable({}, {__ipairs = answer})) ~= true then
    function _G.ipairs(value)
        local meta = getmetatable(value)
        local custom = meta and rawget(meta, "__ipairs")
        if custom then
            local iterate, state, key = custom(value)
            return iterate, state, key
        end
        if value == nil then
            shim.expect(value, "table", 1)
        end
        return stock_ipairs(value)
    end
end
