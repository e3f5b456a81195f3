-- The text of a value that an ngx function takes where it wants a string.
--
--   of(value)     string: nil and false are "", anything else is tostring()ed
--                 (what lua-resty-core does)
--   check(value)  string of a string or number; nil for any other type
--                 (what luaL_checklstring does)
--   number(n)     string: a number as Lua 5.1 writes it, 3.0 as "3"
--
-- Numbers read the same on all flavours: from Lua 5.3 on a float with an
-- integral value would otherwise grow a ".0".

local format = string.format
local math_type = math.type
local tostring = tostring
local type = type

local _M = {}

local NUMBER_FORMAT = "%.14g"  -- LUAI_NUMFFORMAT of Lua 5.1


function _M.number(n)
    if math_type and math_type(n) == "float" then
        return format(NUMBER_FORMAT, n)
    end
    return tostring(n)
end


local number = _M.number


function _M.of(value)
    local kind = type(value)
    if kind == "string" then
        return value
    elseif kind == "number" then
        return number(value)
    end
    return value and tostring(value) or ""
end


function _M.check(value)
    local kind = type(value)
    if kind == "string" then
        return value
    end
    return kind == "number" and number(value) or nil
end


return _M
