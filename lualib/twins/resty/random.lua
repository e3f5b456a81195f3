-- resty.random where lua-resty-string's own cannot run.
--
--   bytes(n, strong)   n random bytes; all of them are fit for secrets

local digest = require "resty_py.digest"
local native = require "resty_py.native"

local error = error
local format = string.format
local random = native.digest.random
local tonumber = tonumber
local type = type

-- The most bytes at once: a longer string is too much for some flavours.
local MAX = 2 ^ 30

local _M = {_VERSION = digest.version}


function _M.bytes(n)
    local size = tonumber(n)
    if not size then
        error(format("bad argument #1 to 'bytes' (number expected, got %s)",
                     type(n)), 2)
    elseif not (size >= 0 and size <= MAX) then
        error("bad argument #1 to 'bytes' (not in the range 0 to 2^30)", 2)
    end
    return random(size)
end


return _M
