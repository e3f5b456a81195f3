-- Pools of idle cosocket connections, one per key and worker.
--
-- Rules:
--
-- 1. The connection given back last is taken first; when a pool is full the
--    one given back longest ago is closed.
-- 2. A pool's size is fixed by whoever makes it.
-- 3. An idle connection is watched: one that becomes readable (its peer
--    closed it, or speaks out of turn) or too old is closed at once.
-- 4. With a backlog, `connections` counts those in use, those idle and the
--    connects that wait; a connect beyond `size` waits, in order, until one
--    of them is given back or closed.
--
-- Follows ngx_http_lua_socket_tcp.c.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local disarm = deadlines.disarm
local remove = table.remove
local setmetatable = setmetatable
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

local Pool = {}
Pool.__index = Pool

local pools = {}

local _M = {draining = false}


-- Returns the pool called `key`, or nil.
function _M.find(key)
    return pools[key]
end


-- Makes the pool called `key`; backlog: nil for none.
function _M.create(key, size, backlog)
    local pool = setmetatable({
        key = key,
        size = size,
        backlog = backlog,
        connections = 0,
        idle = {},
        count = 0,
        waiting = {},
    }, Pool)
    pools[key] = pool
    return pool
end


-- Idle connections --------------------------------------------------------


-- Watches an idle connection: an item of the scheduler.
local Idle = {}
Idle.__index = Idle


function Idle:run(event)
    local connection = self.connection
    if not connection.fd or not self.pool then
        return
    elseif event ~= TIMEOUT and connection:is_quiet() then
        return self:watch()
    end
    local pool = self.pool
    pool:forget_idle(self)
    connection:close()
    pool:release()
end


function Idle:watch()
    self.parked = true
    self.connection.reader = self
end


function Pool:forget_idle(item)
    local idle = self.idle
    for i = self.count, 1, -1 do
        if idle[i] == item then
            remove(idle, i)
            self.count = self.count - 1
            item.pool = nil
            return
        end
    end
end


function Pool:drop_oldest()
    local oldest = self.idle[1]
    self:forget_idle(oldest)
    oldest.connection:close()
    return oldest
end


-- Gives a connection back.
--   counted  whether this pool counts it already
--   timeout  seconds it may stay idle; 0: for ever
--   reused   how often it was taken from a pool
-- Returns true | nil, "connection in dubious state"; closed then.
function Pool:put(connection, counted, timeout, reused)
    if not connection:is_quiet() then
        connection:close()
        if counted then
            self:release()
        end
        return nil, "connection in dubious state"
    end
    if self.count >= self.size then
        self:drop_oldest()
        if counted then
            self.connections = self.connections - 1
        end
    elseif not counted then
        self.connections = self.connections + 1
    end
    local item = connection.idle
    if not item then
        item = setmetatable({connection = connection, parked = false,
                             value = nil, pool = nil, reused = 0}, Idle)
        connection.idle = item
    end
    item.pool = self
    item.reused = reused
    self.count = self.count + 1
    self.idle[self.count] = item
    item:watch()
    if timeout > 0 then
        arm(connection.read_timer, clock.mono + timeout, item)
    end
    self:admit()
    return true
end


-- Takes the connection given back last.
-- Returns a connection, its reuse count | nil.
function Pool:take()
    local count = self.count
    if count == 0 then
        return nil
    end
    local item = self.idle[count]
    self.idle[count] = nil
    self.count = count - 1
    item.pool = nil
    item.parked = false
    local connection = item.connection
    connection.reader = nil
    disarm(connection.read_timer)
    return connection, item.reused + 1
end


-- Counting connects -----------------------------------------------------


-- One connection less: a waiting connect may go on.
function Pool:release()
    self.connections = self.connections - 1
    self:admit()
    if self.connections == 0 and self.count == 0 and pools[self.key] == self
    then
        pools[self.key] = nil
    end
end


-- Lets the first waiting connect go on where there is room.
function Pool:admit()
    local waiter = self.waiting[1]
    if waiter and (self.count > 0
                   or self.connections - #self.waiting < self.size)
    then
        remove(self.waiting, 1)
        self.connections = self.connections - 1
        waiter.queued = false
        wake(waiter.thread)
    end
end


local Waiter = {}
Waiter.__index = Waiter


function Waiter:forget()
    deadlines.drop(self.timer)
    local pool = self.pool
    for i, other in ipairs(pool.waiting) do
        if other == self then
            remove(pool.waiting, i)
            pool.connections = pool.connections - 1
            return
        end
    end
end


local function wait(pool, timeout)
    local waiter = setmetatable({pool = pool, thread = scheduler.current,
                                 timer = {}, queued = true}, Waiter)
    pool.waiting[#pool.waiting + 1] = waiter
    arm(waiter.timer, clock.mono + timeout, waiter.thread)
    scheduler.park(waiter)
    local queued = waiter.queued
    waiter:forget()
    return not queued
end


-- Counts a connection about to be made; parks while the pool is full and
-- has a backlog.
-- Returns true (make one) | a connection, its reuse count (given back
-- meanwhile) | nil, err.
function Pool:admission(timeout)
    self.connections = self.connections + 1
    if not self.backlog or self.connections <= self.size then
        return true
    elseif self.connections > self.size + self.backlog then
        self.connections = self.connections - 1
        return nil, "too many waiting connect operations"
    elseif not wait(self, timeout) then
        return nil, "timeout"
    end
    local connection, reused = self:take()
    if connection then
        return connection, reused
    end
    self.connections = self.connections + 1
    return true
end


-- Closes every idle connection and keeps none from now on.
function _M.drain()
    _M.draining = true
    for _, pool in pairs(pools) do
        while pool.count > 0 do
            pool:drop_oldest()
            pool:release()
        end
    end
end


return _M
