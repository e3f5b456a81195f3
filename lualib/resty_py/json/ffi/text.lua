-- Strings by a loop over bytes; see json/text.lua. What is malformed, or too
-- long, is left to the portable half.

local ffi = require "ffi"
local portable = require "resty_py.json.portable.text"

local band = bit.band
local bor = bit.bor
local byte = string.byte
local cast = ffi.cast
local ffi_string = ffi.string
local find = string.find
local pairs = pairs
local rshift = bit.rshift
local sub = string.sub

local SOURCE = ffi.typeof("const uint8_t *")
local QUOTE, BACKSLASH, U = 34, 92, 117

-- The longest text that is read here, and room for the last character.
local MAX_SIZE, MARGIN = 65536, 4

local buffer = ffi.new("uint8_t[?]", MAX_SIZE + MARGIN)

-- What follows a backslash -> the byte that is meant, 0 for none.
local meant = ffi.new("uint8_t[256]")
for letter, value in pairs {['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b",
                            f = "\f", n = "\n", r = "\r", t = "\t"} do
    meant[byte(letter)] = byte(value)
end

-- Hexadecimal digits -> their values; -1 for other bytes.
local values = ffi.new("int8_t[256]")
for value = 0, 255 do
    values[value] = tonumber(string.char(value):match("^%x$") or "-1", 16)
end

local _M = {}


-- The four digits at `at`; negative where they are not.
local function hex4(source, at, length)
    if at + 4 > length then
        return -1
    end
    local a, b = values[source[at]], values[source[at + 1]]
    local c, d = values[source[at + 2]], values[source[at + 3]]
    if bor(a, b, c, d) < 0 then
        return -1
    end
    return a * 4096 + b * 256 + c * 16 + d
end


-- The character of the escape whose "u" is at `at`, and the offset behind it;
-- a negative one where it is malformed.
local function read_unicode(source, at, length)
    local code = hex4(source, at + 1, length)
    if code < 0xD800 or code > 0xDFFF then
        return code, at + 5
    elseif code > 0xDBFF or source[at + 5] ~= BACKSLASH
            or source[at + 6] ~= U then
        return -1, at
    end
    local low = hex4(source, at + 7, length)
    if low < 0xDC00 or low > 0xDFFF then
        return -1, at
    end
    return 0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00, at + 11
end


local function tail(code)
    return 0x80 + band(code, 63)
end


-- Puts a character into the buffer; returns where the next one goes.
local function put(n, code)
    if code < 0x80 then
        buffer[n] = code
        return n + 1
    elseif code < 0x800 then
        buffer[n] = 0xC0 + rshift(code, 6)
        buffer[n + 1] = tail(code)
        return n + 2
    elseif code < 0x10000 then
        buffer[n] = 0xE0 + rshift(code, 12)
        buffer[n + 1] = tail(rshift(code, 6))
        buffer[n + 2] = tail(code)
        return n + 3
    end
    buffer[n] = 0xF0 + rshift(code, 18)
    buffer[n + 1] = tail(rshift(code, 12))
    buffer[n + 2] = tail(rshift(code, 6))
    buffer[n + 3] = tail(code)
    return n + 4
end


function _M.plain(s, pos, backslash)
    local stop = find(s, '"', pos + 1, true)
    if stop and stop < backslash then
        return sub(s, pos + 1, stop - 1), stop + 1
    end
end


-- The text ends with a NUL, so it is safe to look one byte ahead.
function _M.read(s, pos)
    local source, length = cast(SOURCE, s), #s
    local at, n = pos - 1, 0
    while at < length and n < MAX_SIZE do
        local c = source[at]
        if c == QUOTE then
            return ffi_string(buffer, n), at + 2
        elseif c ~= BACKSLASH then
            buffer[n] = c
            at, n = at + 1, n + 1
        else
            c = source[at + 1]
            local code, behind = meant[c], at + 2
            if c == U then
                code, behind = read_unicode(source, at + 1, length)
                if code < 0 then
                    break
                end
            elseif code == 0 then
                break
            end
            n = put(n, code)
            at = behind
        end
    end
    return portable.read(s, pos)
end


return _M
