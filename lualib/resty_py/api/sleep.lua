-- ngx.sleep.
--
-- Follows ngx_http_lua_sleep.c: milliseconds count, and a sleep of none ends
-- with the next look at the descriptors.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local ceil = math.ceil
local check = phases.check
local error = error
local floor = math.floor
local format = string.format
local setmetatable = setmetatable
local tonumber = tonumber

local YIELDABLE = phases.YIELDABLE

-- What nginx counts up to: ngx_int_t.
local MILLISECONDS = 2^63

-- A sleeper is its own deadline and what undoes it.
local Sleeper = {}
Sleeper.__index = Sleeper


function Sleeper:forget(thread)
    log.debug(thread.request, "lua clean up the timer for pending ngx.sleep")
    deadlines.drop(self)
end


local function log_end(r)
    if log.debugs(r) then
        log.debug(r, format('lua sleep timer expired: "%s?%s"', r.uri or "",
                            r.args or ""))
    end
end


-- ngx.sleep(seconds)
local function sleep(...)
    if select("#", ...) ~= 1 then
        error("attempt to pass " .. select("#", ...)
              .. " arguments, but accepted 1", 2)
    end
    local seconds = tonumber((...))
    if not seconds then
        error(format("bad argument #1 to 'sleep' (number expected, got %s)",
                     type((...))), 2)
    end
    local ms = seconds < 0 and ceil(seconds * 1000) or floor(seconds * 1000)
    if not (ms >= 0 and ms < MILLISECONDS) then
        error(format('invalid sleep duration "%.0f"', ms), 2)
    end
    local r = check(YIELDABLE)
    if log.debugs(r) then
        log.debug(r, format("lua ready to sleep for %d ms", ms))
    end
    local sleeper = setmetatable(deadlines.new(), Sleeper)
    deadlines.arm(sleeper, clock.mono + ms / 1000, scheduler.current)
    scheduler.park(sleeper)
    log_end(r)
end


local _M = {}


function _M.install(ngx)
    ngx.sleep = sleep
end


return _M
