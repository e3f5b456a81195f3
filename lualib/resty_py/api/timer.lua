-- ngx.timer: at, every, running_count, pending_count.
--
-- Follows ngx_http_lua_timer.c.

local scheduler = require "resty_py.scheduler"
local settings = require "resty_py.settings"
local timer = require "resty_py.scheduler.timer"

local error = error
local floor = math.floor
local format = string.format
local getinfo = debug.getinfo
local select = select
local tonumber = tonumber
local type = type


local function milliseconds(delay)
    local number = tonumber(delay)
    if not number then
        error(format("bad argument #1 to 'at' (number expected, got %s)",
                     type(delay)), 4)
    end
    return floor(number * 1000)
end


local function add(name, interval, delay, f, ...)
    local ms = milliseconds(delay)
    if ms < 0 then
        error("delay cannot be negative", 3)
    elseif interval and ms == 0 then
        error("delay cannot be zero", 3)
    elseif type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error(format("bad argument #2 to '%s' (Lua function expected)", name),
              3)
    end
    local thread = scheduler.current
    local r = thread and thread.request
    return timer.add(ms / 1000, interval, r and r.settings or settings.main,
                     r and (r.origin or not r.is_timer and r.head and r),
                     f, ...)
end


local function at(...)
    if select("#", ...) < 2 then
        error("expecting at least 2 arguments but got " .. select("#", ...), 2)
    end
    return add("at", false, ...)
end


local function every(...)
    if select("#", ...) < 2 then
        error("expecting at least 2 arguments but got " .. select("#", ...), 2)
    end
    return add("every", true, ...)
end


local _M = {}


function _M.install(ngx)
    ngx.timer = {
        at = at,
        every = every,
        running_count = function()
            return timer.running_count
        end,
        pending_count = function()
            return timer.pending_count
        end,
    }
end


return _M
