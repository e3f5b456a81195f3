-- Percent-encoding as loops over bytes; see codec/uri.lua.
--
-- escape() has no branch in its loop: every byte has a code of four bytes and
-- a width of one or three; the code is stored whole and the position moves by
-- the width, so a trace never has to leave for another byte's sake.

local ffi = require "ffi"
local classes = require "resty_py.codec.uri_classes"
local scratch = require "resty_py.codec.ffi.scratch"

local cast = ffi.cast
local char = string.char
local ffi_string = ffi.string
local find = string.find
local format = string.format

local SOURCE = ffi.typeof("const uint8_t *")
local WORDS = ffi.typeof("uint32_t *")
local CODE_SIZE = 4
local COMPONENT = 2
local PERCENT, PLUS, SPACE = 37, 43, 32
local NOT_HEX = 16

local _M = {}

local codes, widths = {}, {}


local function build(kind)
    local code, width = ffi.new("uint32_t[256]"), ffi.new("uint8_t[256]")
    local bytes = cast("uint8_t *", code)
    local safe = "[" .. classes[kind] .. "]"
    for value = 0, 255 do
        local text = char(value)
        if not find(text, safe) then
            text = format("%%%02X", value)
        end
        ffi.copy(bytes + CODE_SIZE * value, text, #text)
        width[value] = #text
    end
    codes[kind], widths[kind] = code, width
end


for kind in pairs(classes) do
    build(kind)
end


function _M.escape(s, kind)
    local code, width = codes[kind or COMPONENT], widths[kind or COMPONENT]
    local length = #s
    local source = cast(SOURCE, s)
    local buffer = scratch(3 * length + CODE_SIZE)
    local n = 0
    for i = 0, length - 1 do
        local value = source[i]
        cast(WORDS, buffer + n)[0] = code[value]
        n = n + width[value]
    end
    if n == length then
        return s
    end
    return ffi_string(buffer, n)
end


local hex = ffi.new("uint8_t[256]")
for value = 0, 255 do
    hex[value] = tonumber(char(value), 16) or NOT_HEX
end


function _M.unescape(s)
    if not find(s, "%", 1, true) and not find(s, "+", 1, true) then
        return s
    end
    local length = #s
    local source = cast(SOURCE, s)
    local buffer = scratch(length)
    local i, n = 0, 0
    while i < length do
        local value = source[i]
        i = i + 1
        if value == PLUS then
            value = SPACE
        elseif value == PERCENT and i + 1 < length then
            local high, low = hex[source[i]], hex[source[i + 1]]
            if high < NOT_HEX and low < NOT_HEX then
                value = 16 * high + low
                i = i + 2
            end
        end
        buffer[n] = value
        n = n + 1
    end
    return ffi_string(buffer, n)
end


return _M
