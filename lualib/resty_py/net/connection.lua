-- A connection: a nonblocking descriptor, what has been read from it and not
-- yet taken, and who waits for it. Cosockets and HTTP clients both are one.
--
-- Rules:
--
-- 1. Readiness is a hint. Descriptors are registered edge-triggered, once;
--    `readable` and `writable` say that the next call is worth trying, and
--    only a call that would block clears them.
-- 2. A short read means that the descriptor is drained, so it clears
--    `readable` too, unless the peer has ended: its end is still to be read.
-- 3. One reader and one writer wait at a time; callers see to that.
-- 4. Whoever waits is an item of the scheduler: a light thread that calls
--    the blocking functions, or an HTTP connection that is its own item.
--
-- Fields:
--
--   fd                   the descriptor; nil once closed
--   buffer, position     bytes read; the first one not yet taken
--   readable, writable   hints, see above
--   ended                the peer has closed or reset
--   code                 the error number of the last call that failed
--   reader, writer       the waiting items
--   watcher              the item that is woken when the peer has ended
--   read_timer, write_timer   their deadlines

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"

local arm = deadlines.arm
local disarm = deadlines.disarm
local drop = deadlines.drop
local new_deadline = deadlines.new
local pairs = pairs
local park = scheduler.park
local recv = sys.recv
local send = sys.send
local setmetatable = setmetatable
local spend = scheduler.spend
local sub = string.sub
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

-- Bytes taken from the kernel at once where the caller has no better idea.
local READ_SIZE = 16384

local Connection = {}
Connection.__index = Connection

local by_fd = {}

-- The number that was given last, and the last one that may be given without
-- asking: all workers of a server count together (server/counter.py).
local last_number, end_number = 0, 0

-- `count`: descriptors that are open. `Connection`: the class, for one that
-- does the same by other means (tls.lua).
local _M = {count = 0, Connection = Connection}


-- Returns the number that a client's connection, or what stands for one, has
-- in the logs.
function _M.next_number()
    if last_number == end_number then
        local before, count = native.worker.numbers()
        last_number, end_number = before, before + count
    end
    last_number = last_number + 1
    return last_number
end


-- Takes a nonblocking descriptor over.
-- Returns a connection | nil, err.
function _M.adopt(fd)
    local ok, err = sys.register(fd)
    if not ok then
        sys.close(fd)
        return nil, err
    end
    local connection = setmetatable({
        fd = fd,
        buffer = "",
        position = 1,
        readable = true,
        writable = true,
        ended = false,
        code = nil,
        reader = nil,
        writer = nil,
        watcher = nil,
        read_timer = new_deadline(),
        write_timer = new_deadline(),
    }, Connection)
    by_fd[fd] = connection
    _M.count = _M.count + 1
    return connection
end


-- Marks what the poller reports of a descriptor and wakes who waits for it.
function _M.dispatch(fd, readable, writable, ended)
    local connection = by_fd[fd]
    if not connection then
        return
    end
    if ended then
        connection.ended = true
        local watcher = connection.watcher
        if watcher then
            wake(watcher)
        end
    end
    if readable then
        connection.readable = true
        local reader = connection.reader
        if reader then
            connection.reader = nil
            wake(reader)
        end
    end
    if writable then
        connection.writable = true
        local writer = connection.writer
        if writer then
            connection.writer = nil
            wake(writer)
        end
    end
end


-- Closes every descriptor: the worker has stopped, and nobody is woken.
function _M.close_all()
    for _, connection in pairs(by_fd) do
        connection:abandon()
    end
    by_fd = {}
    _M.count = 0
end


-- Undoes the waiting of a light thread that is killed.
function Connection:forget(thread)
    if self.reader == thread then
        self.reader = nil
        disarm(self.read_timer)
    end
    if self.writer == thread then
        self.writer = nil
        disarm(self.write_timer)
    end
end


-- Parks until the descriptor is worth reading.
--   owner   has forget(owner, thread), called when the thread is killed; the
--           connection itself where it is nil
-- Returns nil | TIMEOUT.
function Connection:wait_readable(timeout, owner)
    local thread = scheduler.current
    local timer = self.read_timer
    self.reader = thread
    arm(timer, clock.mono + timeout, thread)
    local event = park(owner or self)
    self.reader = nil
    disarm(timer)
    return event
end


-- Parks until the descriptor is worth writing; owner: as above.
-- Returns nil | TIMEOUT.
function Connection:wait_writable(timeout, owner)
    local thread = scheduler.current
    local timer = self.write_timer
    self.writer = thread
    arm(timer, clock.mono + timeout, thread)
    local event = park(owner or self)
    self.writer = nil
    disarm(timer)
    return event
end


-- Takes what the kernel has, without waiting.
-- Returns data | nil, "again" | nil, "closed" | nil, err.
function Connection:read_now(max)
    if not self.readable then
        return nil, "again"
    end
    local data, err, code = recv(self.fd, max)
    if not data then
        self.readable = err ~= "again"
        self.code = code
        return nil, err
    elseif data == "" then
        return nil, "closed"
    end
    if #data < max and not self.ended then
        self.readable = false
    end
    return data
end


-- Reads at least one and at most `max` bytes past the buffer.
--   owner   as wait_readable takes it
-- Returns data | nil, "timeout" | nil, "closed" | nil, err.
function Connection:read_some(max, timeout, owner)
    -- Before anything is taken: a thread that is killed here loses nothing.
    spend(owner or self)
    while self.fd do
        local data, err = self:read_now(max)
        if data then
            return data
        elseif err ~= "again" then
            return nil, err
        elseif self:wait_readable(timeout, owner) == TIMEOUT then
            return nil, "timeout"
        end
    end
    return nil, "closed"
end


-- Appends what comes next to the buffer.
-- Returns true | nil, err as read_some.
function Connection:fill(timeout)
    local data, err = self:read_some(READ_SIZE, timeout)
    if not data then
        return nil, err
    end
    self:put_back(data)
    return true
end


-- Appends bytes that were read already to the buffer.
function Connection:put_back(data)
    if self.position > #self.buffer then
        self.buffer = data
    else
        self.buffer = sub(self.buffer, self.position) .. data
    end
    self.position = 1
end


-- Puts data back before the buffer, which is what follows it: all from index
-- `from` is still to be taken.
function Connection:unread(data, from)
    if self:is_drained() then
        self.buffer, self.position = data, from
    else
        self.buffer = sub(data, from) .. self:take_buffer()
        self.position = 1
    end
end


-- Takes all that the buffer holds; returns "" when it is empty.
function Connection:take_buffer()
    local buffer, position = self.buffer, self.position
    self.buffer = ""
    self.position = 1
    return position == 1 and buffer or sub(buffer, position)
end


-- Takes at most `max` bytes of the buffer, which is not empty.
function Connection:take(max)
    local first = self.position
    local last = first + max - 1
    if last >= #self.buffer then
        return self:take_buffer()
    end
    self.position = last + 1
    return sub(self.buffer, first, last)
end


-- Whether the buffer is empty.
function Connection:is_drained()
    return self.position > #self.buffer
end


-- Whether there may be more to read than the buffer holds.
function Connection:has_more()
    return self.readable
end


-- Whether the peer has sent nothing and is still there, as far as the
-- kernel knows; reads no byte away.
function Connection:is_quiet()
    if not self.readable then
        return not self.ended
    end
    local data, err = sys.peek(self.fd)
    if data == nil and err == "again" then
        self.readable = false
        return true
    end
    return false
end


-- Writes from index `from` without waiting.
-- Returns the index of the first byte not sent (#data + 1 when all is) |
-- nil, err.
function Connection:write_now(data, from)
    if from > #data or not self.writable then
        return from
    end
    local sent, err, code = send(self.fd, data, from)
    if sent then
        return self:write_now(data, from + sent)
    elseif err == "again" then
        self.writable = false
        return from
    end
    self.code = code
    return nil, err
end


-- Writes all of `data`; owner: as wait_readable takes it.
-- Returns true | nil, "timeout" | nil, "closed" | nil, err.
function Connection:write(data, timeout, owner)
    local from, size = 1, #data
    local err
    spend(owner or self)
    if not self.fd then
        return nil, "closed"
    end
    while true do
        from, err = self:write_now(data, from)
        if not from then
            return nil, err
        elseif from > size then
            return true
        elseif self:wait_writable(timeout, owner) == TIMEOUT then
            return nil, "timeout"
        elseif not self.fd then
            return nil, "closed"
        end
    end
end


-- Sends FIN and goes on reading.
function Connection:shutdown_write()
    sys.shutdown_write(self.fd)
end


-- Closes the descriptor of a connection that nobody uses any more.
function Connection:abandon()
    sys.close(self.fd)
end


-- Closes the descriptor and wakes whoever still waits for it.
function Connection:close()
    local fd = self.fd
    if not fd then
        return
    end
    self.fd = nil
    by_fd[fd] = nil
    _M.count = _M.count - 1
    drop(self.read_timer)
    drop(self.write_timer)
    sys.close(fd)
    local reader, writer = self.reader, self.writer
    self.reader, self.writer = nil, nil
    if reader then
        wake(reader)
    end
    if writer then
        wake(writer)
    end
end


return _M
