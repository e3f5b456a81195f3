-- bit, by the operators of Lua 5.3 and later; see ../bit.lua. Older Luas
-- cannot read this file, and do not.

local whole = ...

local select = select
local tointeger = math.tointeger

local MASK = 0xffffffff
local SIGN = 0x80000000


local function tobit(x)
    return (((tointeger(x) or whole(x, 1)) & MASK) ~ SIGN) - SIGN
end


local function bnot(x)
    return ((~(tointeger(x) or whole(x, 1)) & MASK) ~ SIGN) - SIGN
end


local function band(x, ...)
    local y, more = ...
    if select("#", ...) == 0 then
        return (((tointeger(x) or whole(x, 1)) & MASK) ~ SIGN) - SIGN
    end
    x = (tointeger(x) or whole(x, 1)) & (tointeger(y) or whole(y, 2))
    x = ((x & MASK) ~ SIGN) - SIGN
    return more and band(x, select(2, ...)) or x
end


local function bor(x, ...)
    local y, more = ...
    if select("#", ...) == 0 then
        return (((tointeger(x) or whole(x, 1)) & MASK) ~ SIGN) - SIGN
    end
    x = (tointeger(x) or whole(x, 1)) | (tointeger(y) or whole(y, 2))
    x = ((x & MASK) ~ SIGN) - SIGN
    return more and bor(x, select(2, ...)) or x
end


local function bxor(x, ...)
    local y, more = ...
    if select("#", ...) == 0 then
        return (((tointeger(x) or whole(x, 1)) & MASK) ~ SIGN) - SIGN
    end
    x = (tointeger(x) or whole(x, 1)) ~ (tointeger(y) or whole(y, 2))
    x = ((x & MASK) ~ SIGN) - SIGN
    return more and bxor(x, select(2, ...)) or x
end


local function lshift(x, n)
    x = (tointeger(x) or whole(x, 1)) << ((tointeger(n) or whole(n, 2)) & 31)
    return ((x & MASK) ~ SIGN) - SIGN
end


local function rshift(x, n)
    x = (tointeger(x) or whole(x, 1)) & MASK
    x = x >> ((tointeger(n) or whole(n, 2)) & 31)
    return (x ~ SIGN) - SIGN
end


-- The bits that come in from above a negative 64-bit number are not among
-- the 32 that are kept.
local function arshift(x, n)
    x = tobit(tointeger(x) or whole(x, 1))
    x = x >> ((tointeger(n) or whole(n, 2)) & 31)
    return ((x & MASK) ~ SIGN) - SIGN
end


return {
    arshift = arshift,
    band = band,
    bnot = bnot,
    bor = bor,
    bxor = bxor,
    lshift = lshift,
    rshift = rshift,
    tobit = tobit,
}
