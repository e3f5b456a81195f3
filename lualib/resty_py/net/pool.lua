-- Pools of idle cosocket connections, one per key and worker.
--
-- Rules:
--
-- 1. The connection given back last is taken first; when a pool is full the
--    one given back longest ago is closed.
-- 2. A pool's size is fixed by whoever makes it.
-- 3. An idle connection is watched: one that becomes readable (its peer
--    closed it, or speaks out of turn) or too old is closed at once.
-- 4. `connections` counts those in use, those idle and those being made.
--    With a backlog, a connect beyond `size` waits, in order, until one of
--    them is given back or closed. It is then handed over at once, before
--    its light thread runs, so that no later connect can take it away; a
--    thread that is killed meanwhile gives it back.
--
-- Follows ngx_http_lua_socket_tcp.c.

local check = require "resty_py.net.check"
local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local debug_log = log.debug
local disarm = deadlines.disarm
local format = string.format
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


local function log_made(r, key, size, backlog)
    debug_log(r, format("lua tcp socket connection pool size: %d, backlog: %d",
                        size, backlog or -1))
    debug_log(r, "lua tcp socket keepalive create connection pool for key \""
              .. key .. '"')
end


-- Makes the pool called `key`; backlog: nil for none; r: for whom.
function _M.create(key, size, backlog, r)
    if log.debugs(r) then
        log_made(r, key, size, backlog)
    end
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


local function log_close(connection)
    debug_log(nil, format("lua tcp socket keepalive close handler: fd:%d",
                          connection.fd))
end


-- Watches an idle connection: an item of the scheduler.
local Idle = {}
Idle.__index = Idle


function Idle:run(event)
    local connection = self.connection
    if not connection.fd or not self.pool then
        return
    elseif event == TIMEOUT then
        debug_log(nil, "lua tcp socket keepalive max idle timeout")
    elseif connection:is_quiet() then
        return self:watch()
    end
    local pool = self.pool
    log_close(connection)
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
        log_close(connection)
        connection:close()
        if not counted then
            self.connections = self.connections + 1
        end
        self:release()
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


local function log_taken(r, connection)
    debug_log(r, format("lua tcp socket get keepalive peer: using connection "
                        .. "%s, fd:%d", check.pointer(connection),
                        connection.fd))
end


-- Takes the connection given back last, for the request `r`.
-- Returns a connection, its reuse count | nil.
function Pool:take(r)
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
    if log.debugs(r) then
        log_taken(r, connection)
    end
    return connection, item.reused + 1
end


-- Counting connects -----------------------------------------------------


-- One connection less: a waiting connect may go on.
function Pool:release()
    self.connections = self.connections - 1
    self:admit()
    if self.connections == 0 and self.count == 0 and pools[self.key] == self
    then
        debug_log(nil, "lua tcp socket keepalive: free connection pool for \""
                  .. self.key .. '"')
        pools[self.key] = nil
    end
end


-- Lets the connects that waited longest go on, as far as there is room.
function Pool:admit()
    while self.waiting[1] do
        local waiter = self.waiting[1]
        if self.count > 0 then
            waiter.connection, waiter.reused = self:take(waiter.socket.request)
        elseif self.connections < self.size then
            self.connections = self.connections + 1
        else
            return
        end
        remove(self.waiting, 1)
        waiter.granted = true
        wake(waiter.thread)
    end
end


-- A connect that waits for room.
local Waiter = {}
Waiter.__index = Waiter


local function leave_queue(self)
    local waiting = self.pool.waiting
    for i = 1, #waiting do
        if waiting[i] == self then
            remove(waiting, i)
            return
        end
    end
end


-- Undoes the waiting of a light thread that is killed.
function Waiter:forget()
    deadlines.drop(self.deadline)
    self.socket.connecting = false
    if not self.granted then
        debug_log(nil, "lua tcp socket abort queueing")
        leave_queue(self)
    elseif self.connection then
        local settings = self.socket.request.settings
        self.pool:put(self.connection, true,
                      settings.lua_socket_keepalive_timeout, self.reused - 1)
    else
        self.pool:release()
    end
end


local function log_queued(pool, r)
    debug_log(r, format('lua tcp socket queue connect operation for connection '
                        .. 'pool "%s", connections: %d', pool.key,
                        pool.connections + #pool.waiting + 1))
end


local function wait(pool, timeout, socket)
    local r = socket.request
    if log.debugs(r) then
        log_queued(pool, r)
    end
    local waiter = setmetatable({pool = pool, socket = socket,
                                 thread = scheduler.current,
                                 deadline = deadlines.new(), granted = false,
                                 connection = nil, reused = 0}, Waiter)
    pool.waiting[#pool.waiting + 1] = waiter
    arm(waiter.deadline, clock.mono + timeout, waiter.thread)
    scheduler.park(waiter)
    deadlines.drop(waiter.deadline)
    if not waiter.granted then
        leave_queue(waiter)
        return nil, "timeout"
    end
    return waiter.connection or true, waiter.reused
end


-- Counts a connection about to be made for `socket`; parks while the pool is
-- full and has a backlog.
-- Returns true (make one) | a connection, its reuse count (given back
-- meanwhile) | nil, err.
function Pool:admission(timeout, socket)
    local queued = #self.waiting
    if not self.backlog or self.connections + queued < self.size then
        self.connections = self.connections + 1
        return true
    elseif self.connections + queued >= self.size + self.backlog then
        return nil, "too many waiting connect operations"
    end
    return wait(self, timeout, socket)
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
