-- resty.random where lua-resty-string's own cannot run.
--
--   bytes(n, strong)   n random bytes; all of them are fit for secrets

local digest = require "resty_py.digest"
local native = require "resty_py.native"

local random = native.digest.random

local _M = {_VERSION = digest.version}


function _M.bytes(n)
    return random(n)
end


return _M
