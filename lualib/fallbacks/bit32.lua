-- bit32 where neither Lua nor a compiled module has it: Lua 5.2's, over bit.
--
-- Numbers are taken modulo 2^32 and given from 0 to 2^32 - 1. Fields of
-- extract() and replace() lie within 32 bits, or it is an error.

local bit = bit or require "bit"

local arshift32 = bit.arshift
local error = error
local floor = math.floor
local lshift32 = bit.lshift
local rshift32 = bit.rshift
local tobit = bit.tobit

local SIZE, MODULUS = 32, 2 ^ 32

local _M = {}


-- As a whole number from 0 to 2^32 - 1, of the integer type where there is one.
local function unsigned(x)
    return floor(x % MODULUS)
end


local function signed(x)
    return tobit(unsigned(x))
end


-- Folds numbers with an operation of two, beginning with `first`.
local function folding(operation, first)
    local function fold(value, x, ...)
        if x == nil then
            return unsigned(value)
        end
        return fold(operation(value, signed(x)), ...)
    end

    return function(...)
        return fold(first, ...)
    end
end


_M.band = folding(bit.band, -1)
_M.bor = folding(bit.bor, 0)
_M.bxor = folding(bit.bxor, 0)


function _M.btest(...)
    return _M.band(...) ~= 0
end


function _M.bnot(x)
    return unsigned(bit.bnot(signed(x)))
end


-- Shifts by `n` bits to the left, to the right where it is negative.
function _M.lshift(x, n)
    if n <= -SIZE or n >= SIZE then
        return 0
    end
    local shift = n < 0 and rshift32 or lshift32
    return unsigned(shift(signed(x), n < 0 and -n or n))
end


function _M.rshift(x, n)
    return _M.lshift(x, -n)
end


-- Shifts to the right and keeps the sign.
function _M.arshift(x, n)
    x = signed(x)
    if n < 0 then
        return _M.lshift(x, -n)
    end
    return unsigned(arshift32(x, n < SIZE and n or SIZE - 1))
end


function _M.lrotate(x, n)
    return unsigned(bit.rol(signed(x), n % SIZE))
end


function _M.rrotate(x, n)
    return _M.lrotate(x, -n)
end


-- The mask of a field's width; an error unless the field lies within a number.
local function mask_of(field, width)
    width = width or 1
    if field < 0 then
        error("bad argument: field cannot be negative", 3)
    elseif width < 1 then
        error("bad argument: width must be positive", 3)
    elseif field + width > SIZE then
        error("trying to access non-existent bits", 3)
    end
    return unsigned(2 ^ width - 1)
end


function _M.extract(x, field, width)
    local mask = mask_of(field, width)
    return _M.band(_M.rshift(x, field), mask)
end


function _M.replace(x, value, field, width)
    local mask = mask_of(field, width)
    local hole = _M.bnot(_M.lshift(mask, field))
    return _M.bor(_M.band(x, hole), _M.lshift(_M.band(value, mask), field))
end


return _M
