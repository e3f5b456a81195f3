-- ngx.semaphore: counting semaphores between light threads, of any request.
--
--   new(n?)            a semaphore with n resources (0)
--   sem:post(n?)       adds n (1); the first who wait go on
--   sem:wait(seconds)  takes one; true | nil, "timeout"
--   sem:count()        resources left, negative: how many wait
--
-- Who waits longest is served first. Follows lua-resty-core's ngx.semaphore
-- and ngx_http_lua_semaphore.c.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local error = error
local floor = math.floor
local getmetatable = getmetatable
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring

local TIMEOUT = scheduler.TIMEOUT
local YIELDABLE = phases.YIELDABLE

local Semaphore = {}
Semaphore.__index = Semaphore

local _M = {version = "0.1.25"}


local function check(self)
    if type(self) ~= "table" or getmetatable(self) ~= Semaphore then
        error("not a semaphore instance", 3)
    end
end


local function whole(number)
    return number >= 0 and floor(number) or -floor(-number)
end


-- Returns a semaphore; an error for a negative or unreadable count.
function _M.new(n)
    n = tonumber(n == nil and 0 or n)
    if not n then
        error("no negative number", 2)
    end
    n = whole(n)
    if n < 0 then
        error("no negative number", 2)
    end
    return setmetatable({resources = n, first = 1, last = 0, waiting = 0,
                         queue = {}}, Semaphore)
end


-- One light thread that waits.
local Waiter = {}
Waiter.__index = Waiter


function Waiter:forget()
    deadlines.drop(self.deadline)
    if not self.done then
        self.done = true
        self.semaphore.waiting = self.semaphore.waiting - 1
    end
end


local function enqueue(self, seconds)
    local waiter = setmetatable({
        semaphore = self,
        thread = scheduler.current,
        granted = false,
        done = false,
        deadline = {due = 0, at = 0, index = nil, waiter = nil},
    }, Waiter)
    self.last = self.last + 1
    self.queue[self.last] = waiter
    self.waiting = self.waiting + 1
    deadlines.arm(waiter.deadline, clock.mono + seconds, waiter.thread)
    return waiter
end


-- Takes one resource; parks at most `seconds`, 0 only looks.
-- Returns true | nil, "timeout".
function Semaphore:wait(seconds)
    check(self)
    phases.check(YIELDABLE)
    seconds = tonumber(seconds)
    if not seconds then
        error("bad argument #1 to 'wait' (number expected, got "
              .. tostring(seconds) .. ")", 2)
    elseif seconds < 0 then
        error("no negative number", 2)
    elseif self.resources > 0 and self.waiting == 0 then
        self.resources = self.resources - 1
        return true
    elseif seconds == 0 then
        return nil, "timeout"
    end
    local waiter = enqueue(self, seconds)
    local event = scheduler.park(waiter)
    waiter:forget()
    if event == TIMEOUT and not waiter.granted then
        return nil, "timeout"
    end
    return true
end


local function next_waiter(self)
    while self.first <= self.last do
        local waiter = self.queue[self.first]
        self.queue[self.first] = nil
        self.first = self.first + 1
        if not waiter.done then
            return waiter
        end
    end
end


local function grant(self, waiter)
    self.resources = self.resources - 1
    self.waiting = self.waiting - 1
    waiter.done = true
    waiter.granted = true
    scheduler.wake(waiter.thread)
end


-- Adds n resources; the light threads that waited longest get them once the
-- current one waits or ends. Returns true.
function Semaphore:post(n)
    check(self)
    n = whole(tonumber(n == nil and 1 or n) or 0)
    if n < 1 then
        error("positive number required", 2)
    end
    self.resources = self.resources + n
    while self.resources > 0 and self.waiting > 0 do
        grant(self, next_waiter(self))
    end
    return true
end


function Semaphore:count()
    check(self)
    return self.resources - self.waiting
end


return _M
