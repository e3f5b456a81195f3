-- Output that a client's socket has not taken: an item that sends it, in
-- order, as the socket becomes writable.
--
-- Rules:
--
-- 1. send_timeout runs between two writes that the socket takes something of.
-- 2. Light threads that made too much wait here (downstream.lua, push_back).
-- 3. What is lost when the client is gone was not sent: r.sent is told.
-- 4. Where there is a limit_rate all output goes through here, and waits for
--    its time (pace.lua).

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local pace = require "resty_py.http.pace"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local disarm = deadlines.disarm
local failed_call = log.failed_call
local huge = math.huge
local min = math.min
local pairs = pairs
local post = scheduler.post
local setmetatable = setmetatable
local sub = string.sub
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

local Pending = {}
Pending.__index = Pending

local _M = {}


-- downstream: whose output it is, all of `data` from index `from` on.
function _M.new(downstream, data, from)
    return setmetatable({
        downstream = downstream,
        parked = false,
        value = nil,
        pieces = {data},
        first = 1,
        last = 1,
        from = from,
        size = #data - from + 1,
        delayed = false,
        waiting = {},
    }, Pending)
end


-- The request whose response it is.
local function owner(self)
    local downstream = self.downstream
    return downstream.ending or downstream.request
end


-- Waits until the socket takes more.
function Pending:await()
    local connection = self.downstream.connection
    self.parked = true
    connection.writer = self
    arm(connection.write_timer,
        clock.mono + owner(self).settings.send_timeout, self)
end


-- Waits until more may leave.
function Pending:delay(seconds)
    self.parked = true
    self.delayed = true
    arm(self.downstream.connection.write_timer, clock.mono + seconds, self)
end


function Pending:append(data)
    self.last = self.last + 1
    self.pieces[self.last] = data
    self.size = self.size + #data
end


-- Lets light threads go on that wait in push_back.
function Pending:release(err)
    for thread in pairs(self.waiting) do
        wake(thread, err)
    end
    self.waiting = {}
end


function Pending:forget(thread)
    self.waiting[thread] = nil
end


local function why(connection, err)
    if err == "timeout" then
        return "client timed out (110: Connection timed out)"
    end
    return failed_call("send", err, connection.code)
end


local function fail(self, err)
    local downstream = self.downstream
    local connection = downstream.connection
    local r = owner(self)
    log.request(r, log.INFO, why(connection, err))
    r.sent = r.sent - self.size
    downstream.pending = nil
    downstream.failed = err
    disarm(connection.write_timer)
    self:release(err)
    return downstream:output_failed()
end


local function done(self)
    local downstream = self.downstream
    downstream.pending = nil
    disarm(downstream.connection.write_timer)
    self:release()
    return downstream:output_sent()
end


-- Sends the first piece, at most `most` bytes of it.
-- Returns how many the socket has taken | nil, err.
local function send_piece(self, most)
    local piece, from = self.pieces[self.first], self.from
    local data, start = piece, from
    if #piece - from >= most then
        data, start = sub(piece, from, from + most - 1), 1
    end
    local next, err = self.downstream.connection:write_now(data, start)
    if not next then
        return nil, err
    end
    local sent = next - start
    self.from = from + sent
    self.size = self.size - sent
    if self.from > #piece then
        self.pieces[self.first] = nil
        self.first = self.first + 1
        self.from = 1
    end
    return sent
end


-- Sends at most `most` bytes. Returns how many | nil, err.
local function send(self, most)
    local total = 0
    while self.first <= self.last and total < most do
        local sent, err = send_piece(self, most - total)
        if not sent then
            return nil, err
        end
        total = total + sent
        if not self.downstream.connection.writable then
            break
        end
    end
    return total
end


-- Sends what the rate allows. Returns bytes | nil, err; seconds to wait.
local function send_in_time(self, r)
    local before = r.sent - self.size
    local most, wait = pace.room(r, before)
    if most == 0 then
        return 0, wait
    end
    local sent, err = send(self, min(most, self.size))
    if not sent then
        return nil, err
    end
    return sent, pace.spent(r, before, sent)
end


function Pending:run(event)
    if self.downstream.pending ~= self then
        return self:release("closed")
    elseif event == TIMEOUT and not self.delayed then
        return fail(self, "timeout")
    end
    self.delayed = false
    local r = owner(self)
    local sent, wait
    if pace.rate(r) == 0 then
        sent, wait = send(self, huge)
    else
        sent, wait = send_in_time(self, r)
    end
    if not sent then
        return fail(self, wait)
    elseif self.size == 0 then
        return done(self)
    elseif wait and wait > 0 then
        return self:delay(wait)
    elseif self.downstream.connection.writable then
        return post(self)
    end
    return self:await()
end


return _M
