-- Lua values into JSON text.
--
--   encode(value, config)   text | nil, what lua-cjson says of it
--
-- Rules:
--
-- 1. A table is an array if all its keys are whole numbers from 1 on, and not
--    too few of them for its length; else it is an object.
-- 2. A metatable decides before: array_mt, or a __len of the table's own, makes
--    an array; empty_array_mt does of an empty table.
-- 3. Pieces of text are collected in one list and joined at the end.
-- 4. Settings that ask for more care than most go the longer way of layout.lua.
--
-- Follows lua_cjson.c.

local concat = table.concat
local escape = require "resty_py.json.escape"
local floor = math.floor
local format = string.format
local getmetatable = debug.getmetatable
local layout = require "resty_py.json.layout"
local marks = require "resty_py.json.marks"
local next = next
local null = require "resty_py.api.null"
local number_text = require "resty_py.json.number_text"
local rawequal = rawequal
local rawget = rawget
local rawlen = rawlen or function(t) return #t end
local tonumber = tonumber
local type = type

local array_mt = marks.array_mt
local empty_array = marks.empty_array
local empty_array_mt = marks.empty_array_mt
local key_text = escape.key

local INT_MAX = 2147483647

local append_value


local function refuse(value, reason)
    return nil, format("Cannot serialise %s: %s", type(value), reason)
end


-- The length of an array, -1 for an object; nil, err if neither is wanted.
local function array_length(t, config)
    local max, items = 0, 0
    for key in next, t do
        if type(key) ~= "number" or key < 1 or floor(key) ~= key then
            return -1
        end
        if key > max then
            max = key
        end
        items = items + 1
    end
    if max > INT_MAX then
        return -1
    end
    local ratio = config.encode_sparse_ratio
    if max ~= items and ratio > 0 and max > items * ratio
            and max > config.encode_sparse_safe then
        if not config.encode_sparse_convert then
            return refuse(t, "excessively sparse array")
        end
        return -1
    end
    return max
end


local function append_array(out, n, t, length, depth, config, is_raw)
    if length < 1 then
        out[n + 1] = "[]"
        return n + 1
    end
    if config.is_careful then
        return layout.array(append_value, out, n, t, length, depth, config,
                            is_raw)
    end
    local err
    for i = 1, length do
        local value
        if is_raw then
            value = rawget(t, i)
        else
            value = t[i]
        end
        n = n + 1
        out[n] = i > 1 and "," or "["
        n, err = append_value(out, n, value, depth, config)
        if not n then
            return nil, err
        end
    end
    out[n + 1] = "]"
    return n + 1
end


local function append_object(out, n, t, depth, config)
    if config.is_careful then
        return layout.object(append_value, out, n, t, depth, config)
    end
    local escapes = escape[config.encode_escape_forward_slash]
    local keys = escapes.keys
    local separator = "{"
    for key, value in next, t do
        out[n + 1] = separator
        local text, err = keys[key]
        if not text then
            text, err = key_text(escapes, key, config)
            if not text then
                return nil, err
            end
        end
        out[n + 2] = text
        n, err = append_value(out, n + 2, value, depth, config)
        if not n then
            return nil, err
        end
        separator = ","
    end
    if separator == "{" then
        out[n + 1] = "{}"
        return n + 1
    end
    out[n + 1] = "}"
    return n + 1
end


local function append_table(out, n, t, depth, config)
    if depth > config.encode_max_depth then
        return nil, format("Cannot serialise, excessive depth (%d)", depth)
    end
    local meta = getmetatable(t)
    if meta == array_mt then
        return append_array(out, n, t, rawlen(t), depth, config, true)
    elseif meta then
        local len = rawget(meta, "__len")
        if len then
            return append_array(out, n, t, tonumber(len(t)) or 0, depth,
                                config)
        end
    end
    local length, err = array_length(t, config)
    if not length then
        return nil, err
    elseif length > 0 or length == 0 and
            (not config.encode_empty_table_as_object
             or meta and meta == empty_array_mt) then
        return append_array(out, n, t, length, depth, config, not meta)
    end
    return append_object(out, n, t, depth, config)
end


function append_value(out, n, value, depth, config)
    local kind = type(value)
    if kind == "string" then
        out[n + 1] = '"'
        out[n + 2] = escape[config.encode_escape_forward_slash].text(value)
        out[n + 3] = '"'
        return n + 3
    elseif kind == "number" then
        local text, err = number_text(value, config)
        out[n + 1] = text
        return text and n + 1, err
    elseif kind == "table" then
        return append_table(out, n, value, depth + 1, config)
    elseif kind == "boolean" then
        out[n + 1] = value and "true" or "false"
        return n + 1
    elseif rawequal(value, nil) or rawequal(value, null) then
        out[n + 1] = "null"
        return n + 1
    elseif rawequal(value, empty_array) then
        out[n + 1] = "[]"
        return n + 1
    end
    return refuse(value, "type not supported")
end


return function(value, config)
    if config.is_careful and layout.is_skipped(value, config) then
        return ""
    end
    local out = {}
    local n, err = append_value(out, 0, value, 0, config)
    if not n then
        return nil, err
    end
    return concat(out, "", 1, n)
end
