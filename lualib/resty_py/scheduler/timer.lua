-- Timers: functions that run later, in a light thread without a client.
--
-- Rules:
--
-- 1. A timer's handler runs as a request of phase "timer": it may spawn,
--    sleep and use cosockets, and has no client.
-- 2. A timer of no delay runs with the next look at the descriptors.
-- 3. `every` arms its next run before it starts this one.
-- 4. When the worker exits, timers that are pending run at once with
--    `premature` true; from then on only those without delay are taken.
--
-- Follows ngx_http_lua_timer.c.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local ending = require "resty_py.request.ending"
local engine = require "resty_py.request.engine"
local lifecycle = require "resty_py.lifecycle"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local format = string.format
local getinfo = debug.getinfo
local ipairs = ipairs
local next_number = require "resty_py.net.connection".next_number
local pairs = pairs
local select = select
local setmetatable = setmetatable
local sort = table.sort
local unpack = unpack or table.unpack  -- luacheck: ignore 143

local Timer = {}
Timer.__index = Timer

local pending = {}

local _M = {pending_count = 0, running_count = 0}


-- Running -------------------------------------------------------------------


local function over(r)
    log.debug(r, "http lua close fake http connection")
    r.terminated = true
    _M.running_count = _M.running_count - 1
    ending.close_sockets(r)
end


local function handler_ended(thread, ok, err, trace)
    local r = thread.request
    r.entry = nil
    if not ok then
        engine.log_abort(r, "entry", err, trace)
    end
    return engine.thread_over(r)
end


-- What a handler's light threads see as their request.
local function new_context(self)
    return {
        phase = "timer",
        is_timer = true,
        number = next_number(),
        settings = self.settings,
        origin = self.origin,
        alive = 1,
        over = over,
        terminated = false,
        entry = nil,
        threads = nil,
        sockets = nil,
        ctx = nil,
    }
end


local function refuse(self)
    local info = getinfo(self.handler, "S")
    log.write(log.ALERT, format(
        "lua failed to run timer with function defined at %s:%d: %d "
        .. "lua_max_running_timers are not enough", info.source,
        info.linedefined, self.settings.lua_max_running_timers))
end


local function start(self, premature)
    if _M.running_count >= self.settings.lua_max_running_timers then
        return refuse(self)
    end
    _M.running_count = _M.running_count + 1
    local r = new_context(self)
    log.debug(r, "lua ngx.timer expired")
    local thread = scheduler.start(r, nil, handler_ended, self.handler,
                                   premature, unpack(self.arguments, 1,
                                                     self.arguments.n))
    return engine.enter(r, thread, nil)
end


-- Pending -------------------------------------------------------------------


local function add_pending(self)
    pending[self] = true
    _M.pending_count = _M.pending_count + 1
end


local function remove_pending(self)
    pending[self] = nil
    _M.pending_count = _M.pending_count - 1
end


local function arm(self)
    self.parked = true
    deadlines.arm(self.deadline, clock.mono + self.delay, self)
end


function Timer:run()
    local premature = lifecycle.exiting and self.delay > 0
    if self.interval and not premature then
        arm(self)
    else
        remove_pending(self)
    end
    return start(self, premature)
end


-- Makes a timer.
--   delay      seconds
--   interval   whether it runs again and again
--   settings   the limits that hold for it
--   origin     the downstream it was made for, for its log lines, or nil
-- Returns 1 | nil, err.
function _M.add(delay, interval, settings, origin, handler, ...)
    if lifecycle.exiting and delay > 0 then
        return nil, "process exiting"
    elseif _M.pending_count >= settings.lua_max_pending_timers then
        return nil, "too many pending timers"
    end
    local self = setmetatable({
        parked = false,
        value = nil,
        delay = delay,
        interval = interval,
        settings = settings,
        origin = origin,
        handler = handler,
        arguments = {n = select("#", ...), ...},
        deadline = deadlines.new(),
    }, Timer)
    add_pending(self)
    arm(self)
    return 1
end


local function is_earlier(one, other)
    return deadlines.is_earlier(one.deadline, other.deadline)
end


-- Wakes the pending timers, in the order they were due.
local function fire_all()
    local timers = {}
    log.debug(nil, "lua abort pending timers")
    for self in pairs(pending) do
        timers[#timers + 1] = self
    end
    if #timers > 0 then
        log.debug(nil, format("lua found %d pending timers to be aborted "
                              .. "prematurely", #timers))
    end
    sort(timers, is_earlier)
    for _, self in ipairs(timers) do
        deadlines.drop(self.deadline)
        scheduler.wake(self)
    end
end


lifecycle.at_exit(fire_all)

return _M
