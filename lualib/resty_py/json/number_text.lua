-- The text of a number in JSON.
--
--   number_text(value, config)   text | nil, err
--
-- Follows json_append_number of lua_cjson.c.

local floor = math.floor
local format = string.format
local huge = math.huge
local math_type = math.type

-- Below it a whole number is written the same with 14 digits or without.
local PLAIN = 1e14
local PLAIN_PRECISION = 14

local formats = {}


local function invalid(value, config)
    local mode = config.encode_invalid_numbers
    if mode == "null" then
        return "null"
    elseif not mode then
        return nil, "Cannot serialise number: must not be NaN or Infinity"
    elseif value ~= value then
        return "NaN"
    end
    return value > 0 and "Infinity" or "-Infinity"
end


local function format_of(precision)
    formats[precision] = "%." .. precision .. "g"
    return formats[precision]
end


return function(value, config)
    local precision = config.encode_number_precision
    if math_type and math_type(value) == "integer" then
        return format("%d", value)
    elseif value ~= value or value == huge or value == -huge then
        return invalid(value, config)
    elseif precision >= PLAIN_PRECISION and value == floor(value)
            and value < PLAIN and value > -PLAIN and value ~= 0 then
        return format("%d", value)
    end
    return format(formats[precision] or format_of(precision), value)
end
