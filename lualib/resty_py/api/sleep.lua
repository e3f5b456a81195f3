-- ngx.sleep.
--
-- Follows ngx_http_lua_sleep.c: milliseconds count, and a sleep of none
-- lets the other light threads run.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local check = phases.check
local error = error
local floor = math.floor
local format = string.format
local setmetatable = setmetatable
local tonumber = tonumber

local YIELDABLE = phases.YIELDABLE

-- A sleeper is its own deadline and what undoes it.
local Sleeper = {}
Sleeper.__index = Sleeper


function Sleeper:forget()
    deadlines.drop(self)
end


-- ngx.sleep(seconds)
local function sleep(seconds, ...)
    if seconds == nil or select("#", ...) > 0 then
        error("attempt to pass "
              .. (seconds == nil and 0 or 1 + select("#", ...))
              .. " arguments, but accepted 1", 2)
    end
    local ms = tonumber(seconds)
    if not ms then
        error(format("bad argument #1 to 'sleep' (number expected, got %s)",
                     type(seconds)), 2)
    end
    ms = floor(ms * 1000)
    if not (ms >= 0 and ms < 2147483648) then
        error(format('invalid sleep duration "%d"', ms), 2)
    end
    check(YIELDABLE)
    if ms == 0 then
        scheduler.pause()
        return
    end
    local sleeper = setmetatable({due = 0, at = 0, index = nil, waiter = nil},
                                 Sleeper)
    deadlines.arm(sleeper, clock.mono + ms / 1000, scheduler.current)
    scheduler.park(sleeper)
end


local _M = {}


function _M.install(ngx)
    ngx.sleep = sleep
end


return _M
