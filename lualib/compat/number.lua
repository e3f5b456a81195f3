-- tostring and tonumber as 5.1 has them, on 5.2 and later.
--
-- 5.3 and later write a float as one: 3.0 is "3.0" and not "3". tostring
-- (and string.format's %s, in format.lua) gives 5.1's text, "%.14g". The
-- operator `..`, table.concat and io.write cannot be reached.

local shim = ...

local format = string.format
local gsub = string.gsub
local math_type = math.type
local pcall = pcall
local tonumber = tonumber
local tostring = tostring
local type = type

local FLOAT_FORMAT = "%.14g"


if tostring(1 / 1) ~= "1" then
    function _G.tostring(value)
        if math_type(value) == "float" then
            return format(FLOAT_FORMAT, value)
        end
        return tostring(value)
    end
end

shim.tostring = _G.tostring


local function with_base(value, base)
    if type(value) == "number" then
        value = shim.tostring(value)
    end
    if base == 16 and type(value) == "string" then
        value = gsub(value, "^(%s*%-?)0[xX]", "%1", 1)
    end
    local ok, result = pcall(tonumber, value, base)
    if not ok then
        shim.retell("tonumber", result)
    end
    return result
end


-- 5.1 reads base 10 as no base at all, takes numbers with any base, and lets
-- base 16 have its 0x.
if not tonumber("1.5", 10) then
    function _G.tonumber(value, base)
        if base == nil or base == 10 then
            return tonumber(value)
        end
        return with_base(value, base)
    end
end
