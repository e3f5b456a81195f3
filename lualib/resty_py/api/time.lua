-- The time functions of the ngx API.
--
--   install(ngx, clock)   puts them into the table `ngx`
--     clock.wall          seconds since the epoch as last read
--     clock.refresh()     reads them anew
--
-- As in nginx they tell the time at which the worker last looked, in steps
-- of a millisecond.

local httptime = require "resty_py.codec.httptime"

local date = httptime.date
local datetime = httptime.datetime
local floor = math.floor

local MILLISECONDS = 1000

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001

local UTC = 0

local _M = {}


function _M.install(ngx, clock)
    function ngx.now()
        return floor(clock.wall * MILLISECONDS + SLACK) / MILLISECONDS
    end

    function ngx.time()
        return floor(clock.wall)
    end

    function ngx.update_time()
        clock.refresh()
    end

    function ngx.today()
        return date(clock.wall)
    end

    function ngx.localtime()
        return datetime(clock.wall)
    end

    function ngx.utctime()
        return datetime(clock.wall, UTC)
    end
end


return _M
