-- ngx.timer: at, every, running_count, pending_count.
--
-- Follows ngx_http_lua_timer.c.

local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local timer = require "resty_py.scheduler.timer"

local error = error
local floor = math.floor
local format = string.format
local getinfo = debug.getinfo
local select = select
local tonumber = tonumber
local type = type


-- When the worker's last handler runs no timer would.
local function misplaced()
    local thread = scheduler.current
    if not thread then
        return "no request"
    elseif thread.request.phase == "exit_worker" then
        return phases.disabled("exit_worker")
    end
end


-- What is wrong with a call of at or every, or nil.
local function refusal(name, interval, n, delay, f)
    local seconds = tonumber(delay)
    if n < 2 then
        return "expecting at least 2 arguments but got " .. n
    elseif not seconds then
        return format("bad argument #1 to '%s' (number expected, got %s)",
                      name, type(delay))
    elseif seconds ~= seconds then
        return format("bad argument #1 to '%s' (number expected, got nan)",
                      name)
    elseif interval and seconds < 0 then
        return "delay cannot be negative"
    elseif interval and seconds * 1000 < 1 then
        return "delay cannot be zero"
    elseif type(f) ~= "function" or getinfo(f, "S").what == "C" then
        return format("bad argument #2 to '%s' (Lua function expected)", name)
    end
    return misplaced()
end


local function add(interval, delay, f, ...)
    local r = scheduler.current.request
    return timer.add(floor(delay * 1000) / 1000, interval, r.settings,
                     r.origin or r.downstream, f, ...)
end


local function at(...)
    local err = refusal("at", false, select("#", ...), ...)
    if err then
        error(err, 2)
    end
    return add(false, ...)
end


local function every(...)
    local err = refusal("every", true, select("#", ...), ...)
    if err then
        error(err, 2)
    end
    return add(true, ...)
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
