-- bit, by the library bit32 of Lua 5.2; see ../bit.lua.

local whole = ...

local bit32 = bit32
local select = select
local type = type

local SIGN = 2 ^ 31
local MODULUS = 2 ^ 32


local function signed(x)
    return x >= SIGN and x - MODULUS or x
end


local function tobit(x)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    return signed(bit32.band(x))
end


local function bnot(x)
    if type(x) ~= "number" then
        x = whole(x, 1)
    end
    return signed(bit32.bnot(x))
end


-- A function of any number of arguments, by one of two.
local function fold(operate)
    local function folded(x, ...)
        local y, more = ...
        if type(x) ~= "number" then
            x = whole(x, 1)
        end
        if select("#", ...) == 0 then
            return tobit(x)
        end
        if type(y) ~= "number" then
            y = whole(y, 2)
        end
        x = signed(operate(x, y))
        return more and folded(x, select(2, ...)) or x
    end
    return folded
end


-- A function of a number and a count, by one of bit32 whose count may be 0
-- to 31.
local function shift(operate)
    return function(x, n)
        if type(x) ~= "number" then
            x = whole(x, 1)
        end
        if type(n) ~= "number" then
            n = whole(n, 2)
        end
        return signed(operate(x, bit32.band(n, 31)))
    end
end


return {
    arshift = shift(bit32.arshift),
    band = fold(bit32.band),
    bnot = bnot,
    bor = fold(bit32.bor),
    bxor = fold(bit32.bxor),
    lshift = shift(bit32.lshift),
    rshift = shift(bit32.rshift),
    tobit = tobit,
}
