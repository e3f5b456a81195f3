-- Sizes as nginx writes them.
--
--   parse(text)   "512", "10k", "1m" -> bytes, nil where it is none
--
-- Follows ngx_parse_size.

local find = string.find
local lower = string.lower
local sub = string.sub
local tonumber = tonumber

local UNITS = {k = 1024, m = 1048576}

-- The largest size_t that a number has exactly.
local MAX = 2 ^ 53

local _M = {}


function _M.parse(text)
    local unit = UNITS[lower(sub(text, -1))]
    local digits = unit and sub(text, 1, -2) or text
    if not find(digits, "^%d+$") then
        return nil
    end
    local size = tonumber(digits) * (unit or 1)
    return size <= MAX and size or nil
end


return _M
