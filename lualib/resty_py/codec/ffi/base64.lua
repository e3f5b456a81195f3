-- Base64 as loops over bytes; see codec/base64.lua.
--
-- Three bytes make two pairs of digits, each pair looked up at once. Reading
-- never branches on a digit: what is no digit has a high bit, all values are
-- or-ed together, and one look at the end tells whether any was bad.

local bit = require "bit"
local ffi = require "ffi"
local scratch = require "resty_py.codec.ffi.scratch"

local band, bor = bit.band, bit.bor
local lshift, rshift = bit.lshift, bit.rshift
local byte = string.byte
local cast = ffi.cast
local ceil = math.ceil
local ffi_string = ffi.string
local find = string.find

local SOURCE = ffi.typeof("const uint8_t *")
local PAIRS = ffi.typeof("uint16_t *")
local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
local PADDING = byte("=")
local LOW_12_BITS = 0xFFF
local NO_DIGIT = 0x80

local _M = {}


-- Returns digits: value -> digit, pairs: 12 bits -> two digits, and
-- values: digit -> value.
local function alphabet(last_two)
    local digits = LETTERS .. "0123456789" .. last_two
    local both, values = ffi.new("uint16_t[4096]"), ffi.new("uint8_t[256]")
    ffi.fill(values, 256, NO_DIGIT)
    for value = 0, 63 do
        values[byte(digits, value + 1)] = value
    end
    local bytes = cast("uint8_t *", both)
    for value = 0, 4095 do
        bytes[2 * value] = byte(digits, rshift(value, 6) + 1)
        bytes[2 * value + 1] = byte(digits, band(value, 63) + 1)
    end
    return both, values
end


local standard_pairs, standard_values = alphabet("+/")
local url_pairs, url_values = alphabet("-_")


-- Writes the last one or two bytes; returns the position after them.
local function encode_rest(both, buffer, n, first, second, no_padding)
    local bits = bor(lshift(first, 16), lshift(second or 0, 8))
    local out = cast(PAIRS, buffer + n)
    out[0] = both[rshift(bits, 12)]
    out[1] = both[band(bits, LOW_12_BITS)]
    if no_padding then
        return n + (second and 3 or 2)
    end
    buffer[n + 3] = PADDING
    if not second then
        buffer[n + 2] = PADDING
    end
    return n + 4
end


local function encode(s, both, no_padding)
    local length = #s
    local source = cast(SOURCE, s)
    local buffer = scratch(4 * ceil(length / 3))
    local out = cast(PAIRS, buffer)
    local n, i = 0, 0
    while i + 2 < length do
        local bits = bor(lshift(source[i], 16), lshift(source[i + 1], 8),
                         source[i + 2])
        out[n] = both[rshift(bits, 12)]
        out[n + 1] = both[band(bits, LOW_12_BITS)]
        n = n + 2
        i = i + 3
    end
    n = 2 * n
    if i < length then
        n = encode_rest(both, buffer, n, byte(s, i + 1), byte(s, i + 2),
                        no_padding)
    end
    return ffi_string(buffer, n)
end


-- Decodes `length` digits from `source`; `buffer` may be the same memory.
local function decode(source, length, values, buffer)
    local rest = length % 4
    if rest == 1 then
        return nil
    end
    local n, seen = 0, 0
    for i = 0, length - rest - 4, 4 do
        local a, b = values[source[i]], values[source[i + 1]]
        local c, d = values[source[i + 2]], values[source[i + 3]]
        seen = bor(seen, a, b, c, d)
        local bits = bor(lshift(a, 18), lshift(b, 12), lshift(c, 6), d)
        buffer[n] = rshift(bits, 16)
        buffer[n + 1] = rshift(bits, 8)
        buffer[n + 2] = bits
        n = n + 3
    end
    if rest > 0 then
        local a, b = values[source[length - rest]],
                     values[source[length - rest + 1]]
        local c = rest == 3 and values[source[length - 1]] or 0
        seen = bor(seen, a, b, c)
        buffer[n] = bor(lshift(a, 2), rshift(b, 4))
        buffer[n + 1] = bor(lshift(b, 4), rshift(c, 2))
        n = n + rest - 1
    end
    if seen >= NO_DIGIT then
        return nil
    end
    return ffi_string(buffer, n)
end


local function digits_before_padding(s)
    local padding = find(s, "=", 1, true)
    return padding and padding - 1 or #s
end


function _M.encode(s, no_padding)
    return encode(s, standard_pairs, no_padding)
end


function _M.encode_url(s)
    return encode(s, url_pairs, true)
end


function _M.decode(s)
    local length = digits_before_padding(s)
    return decode(cast(SOURCE, s), length, standard_values, scratch(length))
end


function _M.decode_url(s)
    local length = digits_before_padding(s)
    return decode(cast(SOURCE, s), length, url_values, scratch(length))
end


function _M.decode_mime(s)
    local length = digits_before_padding(s)
    local source = cast(SOURCE, s)
    local buffer = scratch(length)
    local n = 0
    for i = 0, length - 1 do
        local digit = source[i]
        buffer[n] = digit
        n = n + (standard_values[digit] == NO_DIGIT and 0 or 1)
    end
    return decode(buffer, n, standard_values, buffer)
end


return _M
