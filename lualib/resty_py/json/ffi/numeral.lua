-- Numbers by the C library's strtod(); see json/numeral.lua.
--
-- Whole numbers of few digits, which most are, are read without it. A text ends
-- with a NUL, so it is safe to look at the byte behind a digit.

local ffi = require "ffi"

local cast = ffi.cast
local tonumber = tonumber

local SOURCE = ffi.typeof("const uint8_t *")
local ZERO, NINE = 48, 57
local FEW = 9

ffi.cdef [[
double resty_py_strtod(const uint8_t *, const uint8_t **) __asm__("strtod");
]]

local strtod = ffi.C.resty_py_strtod
local stop = ffi.new("const uint8_t *[1]")

-- Bytes that a number may go on with behind a digit.
local goes_on = ffi.new("uint8_t[256]")
for byte in ("0123456789.eExX"):gmatch(".") do
    goes_on[byte:byte()] = 1
end

local _M = {}


function _M.cursor(s)
    return cast(SOURCE, s)
end


local function read_any(cursor, pos)
    local start = cursor + (pos - 1)
    local value = strtod(start, stop)
    local size = tonumber(stop[0] - start)
    if size == 0 then
        return nil
    end
    return value, pos + size
end


function _M.read(cursor, pos)
    local digit = cursor[pos - 1]
    if digit <= ZERO or digit > NINE then
        return read_any(cursor, pos)
    end
    local value, at = digit - ZERO, pos
    digit = cursor[at]
    while digit >= ZERO and digit <= NINE and at < pos + FEW do
        value = value * 10 + digit - ZERO
        at = at + 1
        digit = cursor[at]
    end
    if goes_on[digit] == 0 then
        return value, at + 1
    end
    return read_any(cursor, pos)
end


return _M
