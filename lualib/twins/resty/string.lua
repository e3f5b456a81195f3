-- resty.string where lua-resty-string's own cannot run.
--
--   to_hex(s)   string, lower case
--   atoi(s)     number; -1 for what is no whole number, as ngx_atoi

local digest = require "resty_py.digest"
local byte = string.byte
local find = string.find
local format = string.format
local gsub = string.gsub
local tonumber = tonumber

-- The largest number that ngx_atoi() reads: NGX_MAX_INT_T_VALUE.
local MAX = 2 ^ 63

local _M = {_VERSION = digest.version}


local function hex(char)
    return format("%02x", byte(char))
end


function _M.to_hex(s)
    return (gsub(s, ".", hex))
end


function _M.atoi(s)
    local number = find(s, "^%d+$") and tonumber(s)
    return number and number < MAX and number or -1
end


return _M
