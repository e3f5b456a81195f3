-- Numbers by patterns and tonumber(); see json/numeral.lua.

local byte = string.byte
local find = string.find
local huge = math.huge
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

-- The digits of a number, and what may follow them. One pattern for both would
-- go back over all digits, for each of them, where no exponent comes.
local DIGITS, FRACTION = "^[+-]?%d+%.?%d*()", "^[+-]?%.%d+()"
local EXPONENT = "^[eE][+-]?%d+()"

local UPPER_E, LOWER_E = 69, 101

local WORDS = {inf = huge, nan = 0 / 0}

local _M = {}


function _M.cursor(s)
    return s
end


local function signed(sign, value)
    if sign == "-" then
        return -value
    end
    return value
end


-- inf, infinity, nan, nan(…): in any case.
local function read_word(s, pos)
    local sign, start = match(s, "^([+-]?)()", pos)
    local word = lower(sub(s, start, start + 2))
    local value = WORDS[word]
    if not value then
        return nil
    end
    local stop = start + 3
    if word == "nan" then
        stop = match(s, "^%([%w_]*%)()", stop) or stop
    elseif lower(sub(s, start, start + 7)) == "infinity" then
        stop = start + 8
    end
    return signed(sign, value), stop
end


-- A float, as strtod() makes it: an integer would wrap around.
local function hex_digits(digits)
    local value = 0.0
    for digit in digits:gmatch(".") do
        value = value * 16 + tonumber(digit, 16)
    end
    return value
end


-- 0x1F, 0x1.8p3: tonumber() of Lua 5.1 knows no fractions.
local function read_hex(s, pos)
    local sign, whole, stop = match(s, "^([+-]?)0[xX](%x*)()", pos)
    if not sign then
        return nil
    end
    local fraction, behind = match(s, "^%.(%x*)()", stop)
    if whole .. (fraction or "") == "" then
        return nil
    end
    local value = hex_digits(whole)
    if fraction then
        value = value + hex_digits(fraction) / 16 ^ #fraction
        stop = behind
    end
    local exponent
    exponent, behind = match(s, "^[pP]([+-]?%d+)()", stop)
    if exponent then
        value, stop = value * 2 ^ tonumber(exponent), behind
    end
    return signed(sign, value), stop
end


-- What tonumber() of LuaJIT refuses: an exponent beyond any double.
local function extreme(text)
    local sign, digits, exponent = match(text, "^(-?)([%d.]+)[eE]([+-]?)")
    local is_zero = exponent == "-" or not find(digits, "[1-9]")
    return signed(sign, is_zero and 0 or huge)
end


local function read_decimal(s, pos)
    local stop = match(s, DIGITS, pos) or match(s, FRACTION, pos)
    if not stop then
        return nil
    end
    stop = match(s, EXPONENT, stop) or stop
    local text = match(sub(s, pos, stop - 1), "^%+?(.*)")
    return tonumber(text) or extreme(text), stop
end


local function read_rare(s, pos)
    local value, stop = read_hex(s, pos)
    if not value then
        value, stop = read_decimal(s, pos)
    end
    if not value then
        value, stop = read_word(s, pos)
    end
    return value, stop
end


function _M.read(s, pos)
    local text, stop = match(s, "^(-?[1-9]%d*%.?%d*)()", pos)
    local c = text and byte(s, stop)
    if not text or c == LOWER_E or c == UPPER_E then
        return read_rare(s, pos)
    end
    return tonumber(text), stop
end


return _M
