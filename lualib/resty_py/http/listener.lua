-- A listener: accepts connections and hands them to an engine.
--
-- When the process is out of descriptors it pauses for ACCEPT_PAUSE and
-- tries again, as nginx does: the kernel keeps the clients waiting. So it does
-- when the socket itself is no good any more, where nginx tries all the time.
--
-- Workers that share a listener are all told of a client. One that has more
-- clients than another leaves it to that one, but not for long: if the other
-- has not gone its rounds within LEAVE, for something keeps it in Lua, or
-- within IDLE_LEAVE, for it gets no share of the machine, it is not waited for
-- again until it has. If it goes its rounds and takes nobody, for it is out of
-- descriptors, nobody is waited for after PATIENCE, for HURRY.
--
-- Where each worker has a socket of its own (reuseport) the kernel shares the
-- clients out, and nobody else could take one.
--
-- Follows ngx_event_accept.c.

local board = require "resty_py.board"
local clock = require "resty_py.clock"
local connections = require "resty_py.net.connection"
local deadlines = require "resty_py.scheduler.deadlines"
local downstream = require "resty_py.http.downstream"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"

local setmetatable = setmetatable
local pairs = pairs

-- Connections accepted before others get their turn.
local ACCEPT_BATCH = 64
-- Seconds without accept when descriptors run out: accept_mutex_delay 500ms.
local ACCEPT_PAUSE = 0.5
-- Seconds between two looks whether another worker has taken a client that is
-- left to it; seconds after which one is not waited for that is in Lua, and one
-- that is not.
local LOOK = 0.001
local LEAVE, IDLE_LEAVE = 0.005, 0.05
-- Seconds for which a client is left at most; seconds after that in which none
-- is.
local PATIENCE, HURRY = 0.1, 1

-- How severe a failure of accept() is, by its number: a client that has left
-- (ECONNABORTED); no descriptors or memory (ENFILE, EMFILE, ENOMEM, ENOBUFS).
local LEVELS = {[103] = log.ERR, [23] = log.CRIT, [24] = log.CRIT,
                [12] = log.CRIT, [105] = log.CRIT}

local Listener = {}
Listener.__index = Listener

local _M = {}


-- Starts accepting on a listening descriptor.
--   fd        nonblocking, listening
--   name      its address, for logs: "127.0.0.1:8080", "unix:/path"
--   engine    {serve = f(downstream, head),
--             refuse = f(downstream, head, code, reason, without_answer),
--             conclude = f(request), secure = f(downstream, timeout) and
--             unwrap = f(downstream, timeout): what comes before the first
--             head, over TLS or behind a proxy that tells of its clients}
--   endpoint  what is served there (program/init.lua)
-- Returns the listener | nil, err.
function _M.open(fd, name, engine, endpoint)
    local connection, err = connections.adopt(fd)
    if not connection then
        return nil, err
    end
    local secure = endpoint.may_be_tls and engine.secure or nil
    local self = setmetatable({
        connection = connection,
        name = name,
        serve = engine.serve,
        refuse = engine.refuse,
        conclude = engine.conclude,
        secure = secure,
        greet = endpoint.may_be_proxied and engine.unwrap or secure,
        endpoint = endpoint,
        is_own = endpoint.is_own,
        settings = endpoint.default.base.settings,
        parked = false,
        value = nil,
        idle = {},
        draining = false,
        pause = deadlines.new(),
        beats = nil,
        since = 0,
        unwaited = nil,
        left = nil,
        hurried = 0,
    }, Listener)
    self:await()
    return self
end


function Listener:await()
    self.parked = true
    self.connection.reader = self
end


-- Logs why accept() has failed. Returns whether it is worth another try: where
-- it is but the client who has left. Else it is tried again after a pause.
local function goes_on(self, err, errno)
    local level = LEVELS[errno] or log.ALERT
    log.write(level, log.failed_call("accept4", err, errno))
    if level == log.ERR then
        return true
    end
    self.parked = true
    deadlines.arm(self.pause, clock.mono + ACCEPT_PAUSE, self)
    return false
end


-- Whether the next client is left to another worker.
local function leaves(self)
    local active = downstream.active
    board.publish(active)
    local beats, is_idle = board.behind(active)
    local now = clock.mono
    if not beats or beats == self.unwaited or now < self.hurried then
        return false
    end
    self.left = self.left or now
    if now - self.left >= PATIENCE then
        return false
    elseif beats ~= self.beats then
        self.beats = beats
        self.since = now
    elseif now - self.since >= (is_idle and IDLE_LEAVE or LEAVE) then
        self.unwaited = beats
        return false
    end
    deadlines.arm(self.pause, clock.mono + LOOK, self)
    self:await()
    return true
end


-- Nobody is left to another worker any more.
--   is_here   a client was, and is taken
local function settle(self, is_here)
    local left = self.left
    if left then
        self.left = nil
        if is_here and clock.mono - left >= PATIENCE then
            self.hurried = clock.mono + HURRY
        end
    end
end


function Listener:run()
    deadlines.disarm(self.pause)
    for _ = 1, ACCEPT_BATCH do
        if not self.connection.fd or not self.is_own and leaves(self) then
            return
        end
        local fd, address, errno = sys.accept(self.connection.fd)
        settle(self, fd)
        if fd then
            local connection, err = connections.adopt(fd)
            if connection then
                downstream.open(connection, address, self)
            else
                log.write(log.ALERT, "epoll_ctl() failed (" .. err .. ")")
            end
        elseif address == "again" then
            return self:await()
        elseif not goes_on(self, address, errno) then
            return
        end
    end
    scheduler.post(self)
end


-- Stops accepting; idle clients are closed, the others may finish. One that
-- has been idle for a moment only is left for the rest of it.
function Listener:close()
    deadlines.drop(self.pause)
    self.connection:close()
    self.draining = true
    for client in pairs(self.idle) do
        client:dismiss()
    end
end


return _M
