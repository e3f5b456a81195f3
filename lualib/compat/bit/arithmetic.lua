-- bit, by arithmetic on doubles, for Lua 5.1; see ../bit.lua.
--
-- `and` goes byte by byte through a table of 256 rows, each made when it is
-- first needed; x + y == (x and y) + (x or y) gives the other two.

local whole = ...

local floor = math.floor
local select = select
local setmetatable = setmetatable
local type = type

local SIGN = 2 ^ 31
local MODULUS = 2 ^ 32


local function and_bytes(x, y)
    local result, place = 0, 1
    for _ = 1, 8 do
        if x % 2 == 1 and y % 2 == 1 then
            result = result + place
        end
        x, y, place = floor(x / 2), floor(y / 2), place * 2
    end
    return result
end


local rows = setmetatable({}, {__index = function(self, x)
    local row = {}
    for y = 0, 255 do
        row[y] = and_bytes(x, y)
    end
    self[x] = row
    return row
end})

local powers = {}
for exponent = 0, 31 do
    powers[exponent] = 2 ^ exponent
end


local function signed(x)
    return x >= SIGN and x - MODULUS or x
end


-- Any number modulo 2^32.
local function unsigned(x, position)
    if type(x) ~= "number" or x % 1 ~= 0 then
        x = whole(x, position, 1)
    end
    return x % MODULUS
end


local function band_unsigned(x, y)
    local x0, y0 = x % 256, y % 256
    x, y = (x - x0) / 256, (y - y0) / 256
    local x1, y1 = x % 256, y % 256
    x, y = (x - x1) / 256, (y - y1) / 256
    local x2, y2 = x % 256, y % 256
    x, y = (x - x2) / 256, (y - y2) / 256
    return rows[x0][y0] + rows[x1][y1] * 256 + rows[x2][y2] * 65536
        + rows[x][y] * 16777216
end


local function bor_unsigned(x, y)
    return x + y - band_unsigned(x, y)
end


local function bxor_unsigned(x, y)
    return x + y - 2 * band_unsigned(x, y)
end


local function tobit(x)
    return signed(unsigned(x, 1))
end


local function bnot(x)
    return signed(MODULUS - 1 - unsigned(x, 1))
end


-- A function of any number of arguments, by one of two.
local function fold(operate)
    local function folded(x, ...)
        local y, more = ...
        if select("#", ...) == 0 then
            return signed(unsigned(x, 1))
        end
        x = signed(operate(unsigned(x, 1), unsigned(y, 2)))
        return more and folded(x, select(2, ...)) or x
    end
    return folded
end


local function lshift(x, n)
    x, n = unsigned(x, 1), unsigned(n, 2) % 32
    return signed(x * powers[n] % MODULUS)
end


local function rshift(x, n)
    x, n = unsigned(x, 1), unsigned(n, 2) % 32
    return signed(floor(x / powers[n]))
end


local function arshift(x, n)
    x, n = unsigned(x, 1), unsigned(n, 2) % 32
    return floor(signed(x) / powers[n])
end


return {
    arshift = arshift,
    band = fold(band_unsigned),
    bnot = bnot,
    bor = fold(bor_unsigned),
    bxor = fold(bxor_unsigned),
    lshift = lshift,
    rshift = rshift,
    tobit = tobit,
}
