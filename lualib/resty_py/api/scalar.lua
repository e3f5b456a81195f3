-- Values that ngx.print, ngx.log and their kin turn into text.
--
--   to_text(value)   a string for strings, numbers, booleans, nil and
--                    ngx.null; nil for anything else

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


local BY_TYPE = {
    string = function(value)
        return value
    end,
    number = number_text,
    boolean = tostring,
    ["nil"] = tostring,
}


function _M.to_text(value)
    local convert = BY_TYPE[type(value)]
    if convert then
        return convert(value)
    elseif value == _M.null then
        return "null"
    end
end


return _M
