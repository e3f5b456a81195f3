-- Output that a client's socket has not taken: an item that sends it, in
-- order, as the socket becomes writable.
--
-- Rules:
--
-- 1. send_timeout runs between two writes that the socket takes something of.
-- 2. Light threads that made too much wait here (downstream.lua, push_back).
-- 3. What is lost when the client is gone was not sent: r.sent is told.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local disarm = deadlines.disarm
local failed_call = log.failed_call
local pairs = pairs
local setmetatable = setmetatable
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
        waiting = {},
    }, Pending)
end


-- Waits until the socket takes more.
function Pending:await()
    local connection = self.downstream.connection
    local timeout = self.downstream.settings.send_timeout
    self.parked = true
    connection.writer = self
    arm(connection.write_timer, clock.mono + timeout, self)
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
    local r = downstream.ending or downstream.request
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


function Pending:run(event)
    if self.downstream.pending ~= self then
        return self:release("closed")
    elseif event == TIMEOUT then
        return fail(self, "timeout")
    end
    local connection = self.downstream.connection
    while self.first <= self.last do
        local piece = self.pieces[self.first]
        local from, err = connection:write_now(piece, self.from)
        if not from then
            return fail(self, err)
        end
        self.size = self.size - (from - self.from)
        self.from = from
        if from <= #piece then
            return self:await()
        end
        self.pieces[self.first] = nil
        self.first = self.first + 1
        self.from = 1
    end
    return done(self)
end


return _M
