-- Time, as dictionaries count it: in milliseconds since the epoch.
--
--   now()               the runtime's, whole
--   expiry(time, ttl)   when what is set at `time` expires; 0: never

local clock = require "resty_py.clock"

local floor = math.floor

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001

local _M = {}


function _M.now()
    return floor(clock.wall * 1000 + SLACK)
end


function _M.expiry(time, ttl)
    return ttl > 0 and time + ttl or 0
end


return _M
