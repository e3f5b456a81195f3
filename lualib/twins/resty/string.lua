-- resty.string where lua-resty-string's own cannot run.
--
--   to_hex(s)   string, lower case
--   atoi(s)     number; -1 for what is no whole number, as ngx_atoi

local digest = require "resty_py.digest"
local byte = string.byte
local format = string.format
local gsub = string.gsub
local match = string.match
local tonumber = tonumber

-- The largest number that ngx_atoi() reads: NGX_MAX_INT_T_VALUE.
local MAX = "9223372036854775807"

local _M = {_VERSION = digest.version}


local function hex(char)
    return format("%02x", byte(char))
end


function _M.to_hex(s)
    return (gsub(s, ".", hex))
end


function _M.atoi(s)
    local digits = match(s, "^0*(%d+)$")
    if not digits or #digits > #MAX or #digits == #MAX and digits > MAX then
        return -1
    end
    return tonumber(digits)
end


return _M
