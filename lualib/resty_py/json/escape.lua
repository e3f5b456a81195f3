-- Strings and keys as JSON has them.
--
--   [true], [false]   the escapes where "/" becomes "\/", and where not:
--     .text(s)        what stands between the quotes
--     .keys           key -> its text with quotes and colon, of those seen
--   key(escapes, key, config)   the text of a key not seen yet | nil, err
--
-- Follows char2escape of lua_cjson.c.

local byte = string.byte
local char = string.char
local escaping = require "resty_py.json.twin" "escaping"
local format = string.format
local number_text = require "resty_py.json.number_text"
local type = type

-- How many keys are remembered, and how long they may be.
local MAX_KEYS = 2048
local MAX_KEY_SIZE = 64

local CODES = {['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b",
               ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
               ["\127"] = "\\u007f"}

for value = 0, 31 do
    local control = char(value)
    CODES[control] = CODES[control] or format("\\u%04x", byte(control))
end

local _M = {}


local function escapes(special)
    return {keys = {}, count = 0, text = escaping(special, CODES)}
end


_M[true] = escapes '[%c"\\/\127]'
_M[false] = escapes '[%c"\\\127]'


local function remember(memo, key, text)
    if memo.count >= MAX_KEYS then
        memo.keys, memo.count = {}, 0
    end
    memo.count = memo.count + 1
    memo.keys[key] = text
end


function _M.key(memo, key, config)
    local kind = type(key)
    if kind == "number" then
        local text, err = number_text(key, config)
        return text and '"' .. text .. '":', err
    elseif kind ~= "string" then
        return nil, "Cannot serialise " .. kind
                    .. ": table key must be a number or string"
    end
    local text = '"' .. memo.text(key) .. '":'
    if #key <= MAX_KEY_SIZE then
        remember(memo, key, text)
    end
    return text
end


return _M
