-- Base32 with an alphabet of one's choice: set_encode_base32 and its kin.
--
--   new(alphabet, padding)   alphabet: 32 bytes, in the order of their values;
--                            padding: whether "=" fills the last eight up.
--                            Returns {encode =, decode =}:
--     encode(s)   string
--     decode(s)   string, nil where s is none; it ends at the first "=", and
--                 letters count in their case
--
-- Follows RFC 4648 section 6.

local byte = string.byte
local char = string.char
local concat = table.concat
local floor = math.floor
local rep = string.rep
local sub = string.sub

-- Bits of a byte and of a digit; digits of a group.
local BYTE, DIGIT, GROUP = 8, 5, 8

-- Digits that no number of bytes leaves in the last group.
local IMPOSSIBLE = {[1] = true, [3] = true, [6] = true}

local _M = {}


-- Cuts values of `from` bits each into values of `to` bits; returns them, how
-- many they are, and what is left: its value and its bits.
local function regroup(values, count, from, to)
    local made, n, rest, bits = {}, 0, 0, 0
    for i = 1, count do
        rest = rest * 2 ^ from + values[i]
        bits = bits + from
        while bits >= to do
            bits = bits - to
            local unit = 2 ^ bits
            n = n + 1
            made[n] = floor(rest / unit)
            rest = rest % unit
        end
    end
    return made, n, rest, bits
end


local function bytes_of(s)
    local values = {}
    for i = 1, #s do
        values[i] = byte(s, i)
    end
    return values, #s
end


local function encoder(alphabet, padding)
    local function letter(value)
        return sub(alphabet, value + 1, value + 1)
    end

    return function(s)
        local values, count = bytes_of(s)
        local digits, n, rest, bits = regroup(values, count, BYTE, DIGIT)
        for i = 1, n do
            digits[i] = letter(digits[i])
        end
        if bits > 0 then
            n = n + 1
            digits[n] = letter(rest * 2 ^ (DIGIT - bits))
        end
        return concat(digits) .. (padding and rep("=", -n % GROUP) or "")
    end
end


local function decoder(alphabet)
    local value_of = {}
    for value = 0, #alphabet - 1 do
        value_of[byte(alphabet, value + 1)] = value
    end

    -- Returns the values before the padding | nil.
    local function read(s)
        local values, n = {}, 0
        for i = 1, #s do
            local code = byte(s, i)
            if code == byte("=") then
                break
            end
            n = n + 1
            values[n] = value_of[code]
            if not values[n] then
                return nil
            end
        end
        return not IMPOSSIBLE[n % GROUP] and values or nil, n
    end

    return function(s)
        local values, count = read(s)
        if not values then
            return nil
        end
        local decoded, n = regroup(values, count, DIGIT, BYTE)
        for i = 1, n do
            decoded[i] = char(decoded[i])
        end
        return concat(decoded)
    end
end


function _M.new(alphabet, padding)
    return {encode = encoder(alphabet, padding), decode = decoder(alphabet)}
end


return _M
