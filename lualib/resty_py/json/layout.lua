-- Containers as JSON text where that takes more care than usual: on lines of
-- their own (encode_indent), or without values that JSON has no text for
-- (encode_skip_unsupported_value_types).
--
--   array(append, out, n, t, length, depth, config, is_raw)
--   object(append, out, n, t, depth, config)
--       append   appends a value, as encode.lua's does
--       returns the count of pieces then | nil, err
--
-- An empty container is on one line. Follows lua_cjson.c.

local empty_array = require "resty_py.json.marks".empty_array
local escape = require "resty_py.json.escape"
local next = next
local null = require "resty_py.api.null"
local rawequal = rawequal
local rawget = rawget
local rep = string.rep
local type = type

local key_text = escape.key

local SUPPORTED = {string = true, number = true, table = true, boolean = true,
                   ["nil"] = true}

local _M = {}


-- Whether a value has no text, and is to be passed over.
function _M.is_skipped(value, config)
    return config.encode_skip_unsupported_value_types
        and not SUPPORTED[type(value)]
        and not rawequal(value, null) and not rawequal(value, empty_array)
end


local is_skipped = _M.is_skipped


-- Begins a line, where there are lines.
local function new_line(out, n, depth, config)
    local indent = config.encode_indent
    if indent == "" then
        return n
    end
    out[n + 1] = "\n" .. rep(indent, depth)
    return n + 1
end


-- Begins an item: with the bracket, or a comma, and a line of its own.
local function begin(out, n, opening, count, depth, config)
    out[n + 1] = count == 0 and opening or ","
    return new_line(out, n + 1, depth, config)
end


local function finish(out, n, opening, closing, count, depth, config)
    if count == 0 then
        out[n + 1] = opening .. closing
        return n + 1
    end
    n = new_line(out, n, depth - 1, config)
    out[n + 1] = closing
    return n + 1
end


function _M.array(append, out, n, t, length, depth, config, is_raw)
    local count = 0
    local err
    for i = 1, length do
        local value
        if is_raw then
            value = rawget(t, i)
        else
            value = t[i]
        end
        if not is_skipped(value, config) then
            n = begin(out, n, "[", count, depth, config)
            n, err = append(out, n, value, depth, config)
            if not n then
                return nil, err
            end
            count = count + 1
        end
    end
    return finish(out, n, "[", "]", count, depth, config)
end


function _M.object(append, out, n, t, depth, config)
    local escapes = escape[config.encode_escape_forward_slash]
    local space = config.encode_indent == "" and "" or " "
    local count = 0
    for key, value in next, t do
        local text, err = escapes.keys[key]
        if not text then
            text, err = key_text(escapes, key, config)
        end
        if not text then
            return nil, err
        elseif not is_skipped(value, config) then
            n = begin(out, n, "{", count, depth, config)
            out[n + 1] = text .. space
            n, err = append(out, n + 1, value, depth, config)
            if not n then
                return nil, err
            end
            count = count + 1
        end
    end
    return finish(out, n, "{", "}", count, depth, config)
end


return _M
