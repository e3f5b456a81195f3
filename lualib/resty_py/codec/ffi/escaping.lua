-- Percent-escaping as a loop over bytes; see codec/uri.lua.
--
-- The loop has no branch: every byte has a code of four bytes and a width of
-- one or three; the code is stored whole and the position moves by the width,
-- so the loop's trace never has to be left for another byte's sake.
--
-- escape() hides the loop from its caller's traces. LuaJIT gives up recording
-- where a trace meets a loop, and after some tries never compiles the caller
-- again. Around a C function such as gsub traces are stitched, so the loop
-- runs as gsub's callback. That costs 0.2 us; escape_many() is without it.

local ffi = require "ffi"
local classes = require "resty_py.codec.uri_classes"
local scratch = require "resty_py.codec.ffi.scratch"

local cast = ffi.cast
local char = string.char
local ffi_string = ffi.string
local find = string.find
local format = string.format
local gsub = string.gsub
local pairs = pairs

local SOURCE = ffi.typeof("const uint8_t *")
local CODE = ffi.typeof("uint32_t *")
local CODE_SIZE = 4
local COMPONENT = 2

local _M = {}

local codes, widths = {}, {}


local function build(kind)
    local code, width = ffi.new("uint32_t[256]"), ffi.new("uint8_t[256]")
    local safe = "[" .. classes[kind] .. "]"
    for value = 0, 255 do
        local text = char(value)
        if not find(text, safe) then
            text = format("%%%02X", value)
        end
        ffi.copy(code + value, text, #text)
        width[value] = #text
    end
    codes[kind], widths[kind] = code, width
end


for kind in pairs(classes) do
    build(kind)
end


local function escape(s, kind)
    local code, width = codes[kind or COMPONENT], widths[kind or COMPONENT]
    local length = #s
    local source = cast(SOURCE, s)
    local buffer = scratch(3 * length + CODE_SIZE)
    local n = 0
    for i = 0, length - 1 do
        local value = source[i]
        cast(CODE, buffer + n)[0] = code[value]
        n = n + width[value]
    end
    if n == length then
        return s
    end
    return ffi_string(buffer, n)
end


local given, given_kind, result


local function callback()
    result = escape(given, given_kind)
end


function _M.escape(s, kind)
    given, given_kind = s, kind
    gsub("x", "x", callback)
    return result
end


_M.escape_many = escape

return _M
