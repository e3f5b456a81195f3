-- ngx.semaphore: counting semaphores between light threads, of any request.
--
--   new(n?)            a semaphore with n resources (0)
--   sem:post(n?)       adds n (1); the first who wait go on
--   sem:wait(seconds)  takes one; true | nil or false, "timeout"
--   sem:count()        resources left, negative: how many wait
--
-- The methods are functions of the module as well: wait(sem, seconds).
--
-- Rules:
--
-- 1. Who waits longest is served first: nobody takes a resource while others
--    wait for one.
-- 2. post only counts. Resources are handed out from the run queue, after the
--    code that posted them waits or ends.
-- 3. A light thread that is killed between the grant and its resumption gives
--    the resource back.
--
-- Follows lua-resty-core's ngx.semaphore and ngx_http_lua_semaphore.c.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local error = error
local floor = math.floor
local format = string.format
local getmetatable = getmetatable
local post = scheduler.post
local setmetatable = setmetatable
local tonumber = tonumber
local type = type
local wake = scheduler.wake

local YIELDABLE = phases.YIELDABLE

local Semaphore = {}
Semaphore.__index = Semaphore

local _M = {version = "0.1.25"}


local function check(self)
    if type(self) ~= "table" or getmetatable(self) ~= Semaphore then
        error("not a semaphore instance", 3)
    end
end


-- Returns a semaphore; what is no number counts as 0, a negative one is an
-- error.
function _M.new(n)
    n = tonumber(n) or 0
    if n < 0 then
        error("no negative number", 2)
    end
    return setmetatable({resources = floor(n), waiting = 0, first = nil,
                         last = nil, posted = false}, Semaphore)
end


-- Waiting -------------------------------------------------------------------


-- One light thread that waits: in a list, between `before` and `after`.
local Waiter = {}
Waiter.__index = Waiter


local function enqueue(self, ms)
    local last = self.last
    local waiter = setmetatable({
        semaphore = self,
        thread = scheduler.current,
        before = last,
        after = nil,
        granted = false,
        deadline = deadlines.new(),
    }, Waiter)
    if last then
        last.after = waiter
    else
        self.first = waiter
    end
    self.last = waiter
    self.waiting = self.waiting + 1
    deadlines.arm(waiter.deadline, clock.mono + ms / 1000, waiter.thread)
    return waiter
end


function Waiter:leave_queue()
    local semaphore, before, after = self.semaphore, self.before, self.after
    if before then
        before.after = after
    else
        semaphore.first = after
    end
    if after then
        after.before = before
    else
        semaphore.last = before
    end
    semaphore.waiting = semaphore.waiting - 1
    deadlines.drop(self.deadline)
end


-- Undoes the waiting of a light thread that is killed.
function Waiter:forget()
    if self.granted then
        self.semaphore:post(1)
    else
        self:leave_queue()
    end
end


local function milliseconds(seconds)
    local number = tonumber(seconds)
    if not number then
        error(format("bad argument #1 to 'wait' (number expected, got %s)",
                     type(seconds)), 3)
    elseif number ~= number or number < 0 then
        error("no negative number", 3)
    end
    return floor(number * 1000)
end


-- Takes one resource; parks at most `seconds`, 0 only looks.
-- Returns true | nil, "timeout" at once | false, "timeout" after waiting
-- | nil, err in a phase that cannot wait.
function Semaphore:wait(seconds)
    check(self)
    local r = phases.request()
    local ms = milliseconds(seconds)
    if not YIELDABLE[r.phase] then
        return nil, phases.disabled(r.phase)
    elseif self.resources > 0 and self.waiting == 0 then
        self.resources = self.resources - 1
        return true
    elseif ms == 0 then
        return nil, "timeout"
    end
    local waiter = enqueue(self, ms)
    scheduler.park(waiter)
    if waiter.granted then
        return true, nil
    end
    waiter:leave_queue()
    return false, "timeout"
end


-- Posting -------------------------------------------------------------------


-- Hands out what was posted: the semaphore is an item of the run queue.
function Semaphore:run()
    self.posted = false
    while self.resources > 0 and self.first do
        local waiter = self.first
        waiter:leave_queue()
        waiter.granted = true
        self.resources = self.resources - 1
        wake(waiter.thread)
    end
end


-- Adds n resources for the light threads that waited longest.
-- Returns true; an error for less than 1, 1 where n is no number.
function Semaphore:post(n)
    check(self)
    n = tonumber(n) or 1
    if n ~= n or n < 1 then
        error("positive number required", 2)
    end
    self.resources = self.resources + floor(n)
    if self.waiting > 0 and not self.posted then
        self.posted = true
        post(self)
    end
    return true
end


function Semaphore:count()
    check(self)
    return self.resources - self.waiting
end


_M.wait, _M.post, _M.count = Semaphore.wait, Semaphore.post, Semaphore.count

return _M
