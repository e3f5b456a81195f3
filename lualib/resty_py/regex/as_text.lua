-- as_text(value): tostring(), but a number reads as in Lua 5.1 on all flavours
-- (codec/text.lua). No value at all is an error, as it is there.

local text = require "resty_py.codec.text"

local error = error
local number = text.number
local select = select
local tostring = tostring
local type = type


return function(...)
    local value = ...
    local kind = type(value)
    if kind == "string" then
        return value
    elseif kind == "number" then
        return number(value)
    elseif select("#", ...) == 0 then
        -- From Lua 5.3 on tostring() itself takes that for nil.
        error("bad argument #1 to 'tostring' (value expected)", 2)
    end
    return tostring(value)
end
