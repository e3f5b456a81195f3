-- resty.random where lua-resty-string's own cannot run.
--
--   bytes(n, strong)   n random bytes; all of them are fit for secrets
--
-- What is no number, and numbers that no C array has room for, are errors.

local digest = require "resty_py.digest"
local native = require "resty_py.native"

local error = error
local format = string.format
local tonumber = tonumber
local type = type

local random = native.digest.random

-- The smallest size that no array of bytes has.
local TOO_LARGE = 2 ^ 31

local _M = {_VERSION = digest.version}


function _M.bytes(n)
    local size = tonumber(n)
    if not size then
        error(format("bad argument #1 to 'bytes' (number expected, got %s)",
                     type(n)), 2)
    elseif not (size >= 0 and size < TOO_LARGE) then
        error("size of C type is unknown or too large", 2)
    end
    return random(size)
end


return _M
