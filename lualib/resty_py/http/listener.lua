-- A listener: accepts connections and hands them to an engine.
--
-- When the process is out of descriptors it pauses for ACCEPT_PAUSE and
-- tries again, as nginx does: the kernel keeps the clients waiting.
--
-- Follows ngx_event_accept.c.

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

local Listener = {}
Listener.__index = Listener

local _M = {}


-- Starts accepting on a listening descriptor.
--   fd        nonblocking, listening
--   name      its address, for logs: "127.0.0.1:8080", "unix:/path"
--   engine    {serve = f(downstream, head),
--             refuse = f(downstream, head, code, reason, without_answer),
--             conclude = f(request)}
--   endpoint  what is served there (program/init.lua)
-- Returns the listener | nil, err.
function _M.open(fd, name, engine, endpoint)
    local connection, err = connections.adopt(fd)
    if not connection then
        return nil, err
    end
    local self = setmetatable({
        connection = connection,
        name = name,
        serve = engine.serve,
        refuse = engine.refuse,
        conclude = engine.conclude,
        endpoint = endpoint,
        settings = endpoint.default.base.settings,
        parked = false,
        value = nil,
        idle = {},
        draining = false,
        pause = deadlines.new(),
    }, Listener)
    self:await()
    return self
end


function Listener:await()
    self.parked = true
    self.connection.reader = self
end


local function out_of_descriptors(self, err, errno)
    log.write(log.CRIT, log.failed_call("accept4", err, errno))
    self.parked = true
    deadlines.arm(self.pause, clock.mono + ACCEPT_PAUSE, self)
end


local function is_exhaustion(errno)
    return errno == 23 or errno == 24 or errno == 12 or errno == 105
end


function Listener:run()
    for _ = 1, ACCEPT_BATCH do
        if not self.connection.fd then
            return
        end
        local fd, address, errno = sys.accept(self.connection.fd)
        if fd then
            local connection, err = connections.adopt(fd)
            if connection then
                downstream.open(connection, address, self)
            else
                log.write(log.ALERT, "epoll_ctl() failed (" .. err .. ")")
            end
        elseif address == "again" then
            return self:await()
        elseif is_exhaustion(errno) then
            return out_of_descriptors(self, address, errno)
        end
    end
    scheduler.post(self)
end


-- Stops accepting; idle clients are closed, the others may finish.
function Listener:close()
    deadlines.drop(self.pause)
    self.connection:close()
    self.draining = true
    for client in pairs(self.idle) do
        client:close()
    end
end


return _M
