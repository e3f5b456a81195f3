-- resty.core.time: the loop's clock, and the times of ngx.

local base = require "resty.core.base"
local clock = require "resty_py.clock"

local floor = math.floor

local _M = {version = base.version}


-- Milliseconds of a clock that is never set: as of the latest turn.
function _M.monotonic_msec()
    return floor(clock.mono * 1000)
end


local monotonic_msec = _M.monotonic_msec


function _M.monotonic_time()
    return monotonic_msec() / 1000
end


return _M
