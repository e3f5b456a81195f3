-- MurmurHash2 of 32 bits, with the seed 0.
--
--   hash(text)   a whole number of 0 to 2^32 - 1
--
-- Follows Austin Appleby's algorithm as ngx_murmur_hash2 has it.

local bit = require "bit"

local bxor = bit.bxor
local byte = string.byte
local floor = math.floor
local rshift = bit.rshift

local HIGH, LOW = 0x5bd1, 0xe995
local HALF, WHOLE = 65536, 4294967296

local _M = {}


-- Multiplies modulo 2^32 in parts that a double holds.
local function mix(number)
    number = number % WHOLE
    return (number * HIGH % HALF * HALF + number * LOW) % WHOLE
end


local function word(text, i)
    local a, b, c, d = byte(text, i, i + 3)
    return ((d * 256 + c) * 256 + b) * 256 + a
end


-- The last bytes, which are no whole word.
local function rest_of(text, i)
    local a, b, c = byte(text, i, i + 2)
    return ((c or 0) * 256 + (b or 0)) * 256 + a
end


function _M.hash(text)
    local size = #text
    local rest = size % 4
    local number = size % WHOLE
    for i = 1, size - rest, 4 do
        local part = mix(word(text, i))
        number = bxor(mix(number), mix(bxor(part, rshift(part, 24))))
    end
    if rest > 0 then
        number = mix(bxor(number, rest_of(text, size - rest + 1)))
    end
    number = mix(bxor(number, rshift(number, 13)))
    return floor(bxor(number, rshift(number, 15)) % WHOLE)
end


return _M
