-- Values that ngx.print, ngx.log and their kin turn into text.
--
--   to_text(value)   a string for strings, numbers, booleans, nil and
--                    ngx.null; nil for anything else
--   any(value)       a string for whatever value, as tostring() gives it but
--                    numbers as Lua 5.1 writes them

local format = string.format
local math_type = math.type
local tostring = tostring
local type = type

local _M = {null = nil}


local function number_text(number)
    if math_type and math_type(number) == "float" then
        return format("%.14g", number)
    end
    return tostring(number)
end


-- What is written as an integer has no negative zero.
local function written(number)
    return number == 0 and "0" or number_text(number)
end


local BY_TYPE = {
    string = function(value)
        return value
    end,
    number = written,
    boolean = tostring,
    ["nil"] = tostring,
}


function _M.any(value)
    local kind = type(value)
    if kind == "string" then
        return value
    end
    return kind == "number" and number_text(value) or tostring(value)
end


function _M.to_text(value)
    local convert = BY_TYPE[type(value)]
    if convert then
        return convert(value)
    elseif value == _M.null then
        return "null"
    end
end


return _M
