-- Strings by patterns; see json/text.lua.

local byte = string.byte
local char = string.char
local concat = table.concat
local find = string.find
local floor = math.floor
local match = string.match
local sub = string.sub
local tonumber = tonumber

local QUOTE, U = 34, 117

local ESCAPES = {
    [34] = '"', [47] = "/", [92] = "\\", [98] = "\b", [102] = "\f",
    [110] = "\n", [114] = "\r", [116] = "\t",
}

local _M = {}


local function utf8(code)
    if code < 0x80 then
        return char(code)
    end
    local last = 0x80 + code % 64
    local rest = floor(code / 64)
    if code < 0x800 then
        return char(0xC0 + rest, last)
    end
    local third = 0x80 + rest % 64
    rest = floor(rest / 64)
    if code < 0x10000 then
        return char(0xE0 + rest, third, last)
    end
    return char(0xF0 + floor(rest / 64), 0x80 + rest % 64, third, last)
end


local function hex4(s, pos)
    local digits = match(s, "^%x%x%x%x", pos)
    return digits and tonumber(digits, 16)
end


-- The escape at pos, its "\u": the character and the position behind it.
local function read_unicode(s, pos)
    local code = hex4(s, pos + 2)
    if not code then
        return nil
    elseif code < 0xD800 or code > 0xDFFF then
        return utf8(code), pos + 6
    end
    local low = find(s, "^\\u", pos + 6) and hex4(s, pos + 8)
    if code > 0xDBFF or not low or low < 0xDC00 or low > 0xDFFF then
        return nil
    end
    return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), pos + 12
end


local function read_escape(s, pos)
    local code = byte(s, pos + 1)
    if code == U then
        local text, behind = read_unicode(s, pos)
        return text, behind or "invalid unicode escape code"
    end
    local text = ESCAPES[code]
    return text, text and pos + 2 or "invalid escape code"
end


function _M.plain(s, pos)
    return match(s, '^"([^"\\]*)"()', pos)
end


function _M.key(s, pos)
    return match(s, '^[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:()', pos)
end


function _M.read(s, pos)
    local pieces, n = {}, 0
    while true do
        local at = find(s, '["\\]', pos)
        if not at then
            return nil, "unexpected end of string", #s + 1
        end
        n = n + 1
        pieces[n] = sub(s, pos, at - 1)
        if byte(s, at) == QUOTE then
            return concat(pieces, "", 1, n), at + 1
        end
        n = n + 1
        pieces[n], pos = read_escape(s, at)
        if not pieces[n] then
            return nil, pos, at
        end
    end
end


return _M
