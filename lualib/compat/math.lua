-- math: the functions of 5.1 that later versions dropped, 5.0's mod, and
-- 5.2's base of log.

local shim = ...

local abs = math.abs
local atan = math.atan
local exp = math.exp
local floor = math.floor
local log = math.log
local math = math
local min = math.min
local pairs = pairs
local tonumber = tonumber

local HUGE = math.huge

-- ldexp multiplies by powers of two that are doubles themselves; after this
-- many steps every double is zero or infinite.
local EXPONENT_STEP = 1000
local MAX_STEPS = 4

-- Below, sinh is summed up as a series: its two exponentials cancel out.
local SERIES_BELOW = 1
local SERIES_TERMS = 10

-- From here on, tanh is 1 in a double.
local TANH_IS_ONE = 20


-- Returns a number; blames the caller of the function that calls it.
local function number(value, position)
    local converted = tonumber(value)
    if not converted then
        shim.expect(value, "number", position, 1)
    end
    return converted
end


-- The odd step comes first: a step that leaves the range of normal numbers
-- rounds, and only the last one may.
local function ldexp(fraction, exponent)
    local step = exponent < 0 and -EXPONENT_STEP or EXPONENT_STEP
    local odd = exponent % step
    local steps = min((exponent - odd) / step, MAX_STEPS)
    fraction = fraction * 2.0 ^ odd
    for _ = 1, steps do
        fraction = fraction * 2.0 ^ step
    end
    return fraction
end


local function frexp(x)
    local magnitude = abs(x)
    if magnitude == 0 or magnitude == HUGE or x ~= x then
        return x, 0
    end
    local exponent = floor(log(magnitude, 2)) + 1
    local fraction = ldexp(x, -exponent)
    if abs(fraction) >= 1 then
        return fraction / 2, exponent + 1
    elseif abs(fraction) < 0.5 then
        return fraction * 2, exponent - 1
    end
    return fraction, exponent
end


local function sinh_series(x)
    local term, sum = x, x
    for index = 1, SERIES_TERMS do
        term = term * x * x / (2 * index * (2 * index + 1))
        sum = sum + term
    end
    return sum
end


-- Halved exponents: exp(x) overflows before sinh(x) does.
local function sinh(x)
    if abs(x) < SERIES_BELOW then
        return sinh_series(x)
    end
    local grow, shrink = exp(x / 2), exp(-x / 2)
    return grow / 2 * grow - shrink / 2 * shrink
end


local function cosh(x)
    local grow, shrink = exp(x / 2), exp(-x / 2)
    return grow / 2 * grow + shrink / 2 * shrink
end


local function tanh(x)
    if abs(x) >= TANH_IS_ONE then
        return x > 0 and 1.0 or -1.0
    end
    return sinh(x) / cosh(x)
end


local UNARY = {
    cosh = cosh,
    frexp = frexp,
    log10 = function(x) return log(x, 10) end,
    sinh = sinh,
    tanh = tanh,
}

local BINARY = {
    atan2 = atan,
    ldexp = ldexp,
    mod = math.fmod,
    pow = function(x, y) return x ^ y end,
}

for name, compute in pairs(UNARY) do
    math[name] = math[name] or function(x)
        return compute(number(x, 1))
    end
end

for name, compute in pairs(BINARY) do
    math[name] = math[name] or function(x, y)
        return compute(number(x, 1), number(y, 2))
    end
end


if log(8, 2) ~= 3 then
    local bases = {[10] = math.log10}

    function math.log(x, base)
        x = number(x, 1)
        if base == nil then
            return log(x)
        elseif bases[base] then
            return bases[base](x)
        end
        return log(x) / log(number(base, 2))
    end
end
