-- The library `bit` for PUC Lua, as LuaJIT has it.
--
--   tobit(x)               bnot(x)      bswap(x)     tohex(x [, digits])
--   band(x …)  bor(x …)  bxor(x …)
--   lshift(x, n)  rshift(x, n)  arshift(x, n)  rol(x, n)  ror(x, n)
--
-- Numbers are taken modulo 2^32, a half is rounded to even; results are
-- signed. Shift counts are taken modulo 32. Arguments beyond 2^51 either way
-- mean nothing, as LuaJIT's manual says.
--
-- The work is done by the fastest of three interchangeable files:
-- bit/operators.lua (5.3 on), bit/bit32.lua (5.2), bit/arithmetic.lua (5.1).
--
--   chunk(whole)   returns a table of tobit, bnot, band, bor, bxor, lshift,
--                  rshift, arshift
--
--   whole(value, position [, depth])
--                  a whole number within the range of integers, for a value
--                  that is not one yet; raises the error about the argument
--                  at `position` of the function that calls it (with `depth`
--                  functions between)

local shim = ...

local assert = assert
local format = string.format
local loadfile = loadfile
local math_type = math.type
local min = math.min
local rep = string.rep
local sub = string.sub
local tointeger = math.tointeger
local tonumber = tonumber
local type = type
local upper = string.upper

-- Adding and taking away this rounds a double to a whole number.
local ROUND = 2 ^ 52 + 2 ^ 51
local ROUNDS_BELOW = 2 ^ 51

-- The digits that tohex writes at most, and without being told.
local MAX_DIGITS = 254
local DIGITS = 8


local function backend_name()
    if math_type then
        return "operators"
    end
    return _G.bit32 and "bit32" or "arithmetic"
end


local function rounded(number)
    if number > -ROUNDS_BELOW and number < ROUNDS_BELOW then
        return number + ROUND - ROUND
    end
    return number % 2 ^ 32
end


local function whole(value, position, depth)
    local number = tonumber(value)
    if not number then
        shim.expect(value, "number", position, 1 + (depth or 0))
    end
    number = rounded(number)
    if number ~= number then
        return 0
    end
    return tointeger and tointeger(number) or number
end


local backend = shim.folder .. "bit/" .. backend_name() .. ".lua"
local bit = assert(loadfile(backend))(whole)

local band = bit.band
local bor = bit.bor
local lshift = bit.lshift
local rshift = bit.rshift
local tobit = bit.tobit


-- A negative count is one to the left, modulo 32.
local function rotate(x, n)
    return bor(lshift(x, n), rshift(x, -n))
end


function bit.rol(x, n)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    if type(n) ~= "number" then
        n = whole(n, 2)
    end
    return rotate(x, n)
end


function bit.ror(x, n)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    if type(n) ~= "number" then
        n = whole(n, 2)
    end
    return rotate(x, -n)
end


function bit.bswap(x)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    return bor(lshift(x, 24), lshift(band(x, 0xff00), 8),
               band(rshift(x, 8), 0xff00), rshift(x, 24))
end


local function lower_hex(x, digits)
    local text = format("%08x", tobit(x) % 2 ^ 32)
    if digits <= DIGITS then
        return sub(text, DIGITS - digits + 1)
    end
    return rep("0", min(digits, MAX_DIGITS) - DIGITS) .. text
end


-- A negative number of digits asks for capital letters.
function bit.tohex(x, digits)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    digits = digits == nil and DIGITS or tobit(whole(digits, 2))
    if digits < 0 then
        return upper(lower_hex(x, -digits))
    end
    return lower_hex(x, digits)
end


_G.bit = bit
package.loaded.bit = bit
