-- The functions that read and change an instance's settings.
--
--   install(instance, config)   adds them to the table `instance`
--
-- Each returns what is in force; nil or nothing changes nothing. They raise as
-- C functions do: at the line that called them.

local blame = require "resty_py.json.blame".blame
local floor = math.floor
local format = string.format
local ipairs = ipairs
local pairs = pairs
local select = select
local tostring = tostring
local tonumber = tonumber
local type = type

local INT_MAX = 2147483647

-- Settings that are whole numbers, and what they may be.
local NUMBERS = {
    encode_max_depth = {1, INT_MAX},
    decode_max_depth = {1, INT_MAX},
    encode_number_precision = {1, 16},
}

-- Settings that are "off" or "on", or their other names.
local SWITCHES = {
    encode_invalid_numbers = {null = "null"},
    decode_invalid_numbers = {},
    encode_keep_buffer = {},
    encode_empty_table_as_object = {},
    decode_array_with_array_mt = {},
    encode_escape_forward_slash = {},
    encode_skip_unsupported_value_types = {},
    decode_allow_comment = {},
}

local _M = {}


-- value as a whole number | nil, what is wrong with it
local function integer(value, min, max)
    local number = tonumber(value)
    if not number or type(value) == "table" then
        return nil, "number expected, got " .. type(value)
    end
    number = number < 0 and -floor(-number) or floor(number)
    if not (number >= min and number <= max) then
        return nil, format("expected integer between %d and %d", min, max)
    end
    return number
end


-- true, false or a name of `others` | nil, what is wrong with it
local function switch(value, others)
    local kind = type(value)
    if kind == "boolean" then
        return value
    elseif kind ~= "string" and kind ~= "number" then
        return nil, "string expected, got " .. kind
    elseif value == "on" or value == "off" then
        return value == "on"
    elseif others[value] == nil then
        return nil, "invalid option '" .. tostring(value) .. "'"
    end
    return others[value]
end


-- value as a string | nil, what is wrong with it
local function text(value)
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
        return nil, "string expected, got " .. kind
    end
    return tostring(value)
end


local function option(config, name, read, first, second)
    return function(...)
        local value = ...
        if select("#", ...) > 1 then
            blame(2, "found too many arguments")
        elseif value ~= nil then
            local setting, problem = read(value, first, second)
            if problem then
                blame(1, problem)
            end
            config[name] = setting
            config.is_careful = config.encode_skip_unsupported_value_types
                or config.encode_indent ~= ""
        end
        return config[name]
    end
end


-- What the three arguments of encode_sparse_array() set, and how they are read.
local SPARSE = {
    {"encode_sparse_convert", switch, {}},
    {"encode_sparse_ratio", integer, 0, INT_MAX},
    {"encode_sparse_safe", integer, 0, INT_MAX},
}


local function sparse_array(config)
    return function(...)
        if select("#", ...) > #SPARSE then
            blame(#SPARSE + 1, "found too many arguments")
        end
        local given = {...}
        for position, entry in ipairs(SPARSE) do
            local value = given[position]
            if value ~= nil then
                local setting, problem = entry[2](value, entry[3], entry[4])
                if problem then
                    blame(position, problem)
                end
                config[entry[1]] = setting
            end
        end
        return config.encode_sparse_convert, config.encode_sparse_ratio,
               config.encode_sparse_safe
    end
end


function _M.install(instance, config)
    for name, range in pairs(NUMBERS) do
        instance[name] = option(config, name, integer, range[1], range[2])
    end
    for name, others in pairs(SWITCHES) do
        instance[name] = option(config, name, switch, others)
    end
    instance.encode_indent = option(config, "encode_indent", text)
    instance.encode_sparse_array = sparse_array(config)
end


return _M
