-- Numbers of a JSON document, as strtod() reads them.
--
--   cursor(s)       what read() takes: the text in the form that suits
--   read(cursor, pos)   number, position behind it | nil: there is none at pos
--   is_invalid(s, pos)  whether JSON has no such number: 0x10, 01, inf, nan, +1
--   name(s, pos)    how errors call the number at pos
--
-- Follows json_is_invalid_number and json_next_number_token of lua-cjson. A
-- whole number too large for 64 bits is a float, where the C module has the
-- largest integer.

local find = string.find
local half = require "resty_py.json.twin" "numeral"
local lower = string.lower
local match = string.match
local sub = string.sub

local _M = {cursor = half.cursor, read = half.read}


function _M.is_invalid(s, pos)
    if sub(s, pos, pos) == "+" then
        return true
    end
    local start = match(s, "^%-?()", pos)
    if find(s, "^0[xX%d]", start) then
        return true
    end
    local word = lower(sub(s, start, start + 2))
    return word == "inf" or word == "nan"
end


function _M.name(s, pos)
    local stop = match(s, "^[+-]?%d+()", pos)
    if not stop or find(s, "^[.eEx]", stop) then
        return "T_NUMBER"
    end
    return "T_INTEGER"
end


return _M
