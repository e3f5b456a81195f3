-- Requests that a phase makes wait.
--
--   start(r, seconds, over)   calls over(r) when they have passed
--
-- It is a sleep of the request's entry thread: what ends the request ends it.
-- A client that leaves meanwhile ends the request, whatever it has sent that
-- nobody has read.
--
-- Follows ngx_http_core_auth_delay and ngx_http_limit_req_handler.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local park = scheduler.park
local setmetatable = setmetatable
local start = scheduler.start
local wake = scheduler.wake

local _M = {}


-- The client's end -----------------------------------------------------------


local Watch = {}
Watch.__index = Watch


function Watch:run()
    local r = self.request
    if not r.terminated and r.connection.watcher == self then
        log.request(r, log.INFO, "client prematurely closed connection")
        return r:abandon()
    end
end


-- A subrequest leaves the connection to its main request.
local function watch(r)
    local connection = r.connection
    if not r.parent then
        local watcher = setmetatable({parked = true, value = nil, request = r},
                                     Watch)
        connection.watcher = watcher
        if connection.ended then
            wake(watcher)
        end
    end
end


-- The time -------------------------------------------------------------------


-- A sleeper is its own deadline and what undoes it.
local Sleeper = {forget = deadlines.drop}
Sleeper.__index = Sleeper


local function sleep(seconds)
    local sleeper = setmetatable(deadlines.new(), Sleeper)
    deadlines.arm(sleeper, clock.mono + seconds, scheduler.current)
    park(sleeper)
end


local function ended(thread)
    local r = thread.request
    r.entry = nil
    if not r.parent then
        r.connection.watcher = nil
    end
    return engine.thread_over(r)
end


function _M.start(r, seconds, over)
    r.over = over
    r.alive = 1
    watch(r)
    local entries = r.entries
    return engine.enter(r, start(r, nil, ended, sleep, seconds), entries)
end


return _M
