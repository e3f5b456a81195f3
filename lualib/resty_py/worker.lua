-- The worker's VM: what the Python loop (resty_py/server/worker.py) calls.

local api = require "resty_py.api"
local clock = require "resty_py.clock"
local connection = require "resty_py.net.connection"
local deadlines = require "resty_py.scheduler.deadlines"
local deferred = require "resty_py.scheduler.deferred"
local downstream = require "resty_py.http.downstream"
local engine = require "resty_py.request.engine"
local jobs = require "resty_py.scheduler.jobs"
local lifecycle = require "resty_py.lifecycle"
local listener = require "resty_py.http.listener"
local native = require "resty_py.native"
local pools = require "resty_py.net.pool"
local scheduler = require "resty_py.scheduler"
local settings = require "resty_py.settings"
local sys = require "resty_py.sys"
local timer = require "resty_py.scheduler.timer"

local assert = assert
local dispatch = connection.dispatch
local error = error
local expire = scheduler.expire
local ipairs = ipairs
local poll = sys.poll
local refresh = clock.refresh
local run_queue = scheduler.run_queue

-- Items of the run queue between two looks at the descriptors.
local QUEUE_LIMIT = 256
-- Looks at the descriptors, and seconds, before other Trio tasks get their
-- share.
local ROUNDS, SHARE = 16, 0.01

-- What turn() returns in place of a deadline.
local MORE, OVER = 0, -1

local listeners = {}

local _M = {deliver = deferred.deliver, start_job = jobs.start,
            cancel_job = jobs.cancel, refresh = refresh,
            close = connection.close_all}


-- Installs the ngx API; `given` are the settings outside any server.
function _M.start(given)
    settings.define(given)
    api.install()
end


local function close_listeners()
    for _, each in ipairs(listeners) do
        each:close()
    end
    listeners = {}
end


-- Serves on a listening descriptor.
--   fd, name   the descriptor and its address, for the logs
--   given      the server's settings
--   handler    the content handler, a loaded chunk
function _M.listen(fd, name, given, handler)
    local server = settings.define(given)
    server.content_handler = handler
    local opened, err = listener.open(fd, name, engine, server)
    if not opened then
        error("cannot poll the listener " .. name .. ": " .. err, 0)
    end
    listeners[#listeners + 1] = opened
end


-- Begins to stop: no new clients, idle ones closed, timers run prematurely.
function _M.begin_exit()
    close_listeners()
    pools.drain()
    lifecycle.begin_exit()
end


-- What the worker has in hand (Worker.stats in server/worker.py).
function _M.stats()
    return {
        connections = downstream.active,
        descriptors = connection.count,
        threads = scheduler.alive,
        timers = timer.pending_count,
        running_timers = timer.running_count,
        deadlines = deadlines.count(),
        jobs = jobs.count,
    }
end


local function is_over()
    return downstream.active == 0 and timer.running_count == 0
        and timer.pending_count == 0 and jobs.count == 0
end


-- Runs all that is ready. Returns the time of the next deadline
-- (clock.mono seconds, math.huge when there is none), MORE when there is
-- more to do right away, OVER when the worker is exiting and has finished.
function _M.turn()
    refresh()
    local stop = clock.mono + SHARE
    for _ = 1, ROUNDS do
        local events = poll(dispatch)
        expire()
        local more = run_queue(QUEUE_LIMIT)
        if events == 0 and not more then
            if lifecycle.exiting and is_over() then
                return OVER
            end
            local due = deadlines.next()
            if due > clock.mono then
                return due
            end
        end
        refresh()
        if clock.mono > stop then
            break
        end
    end
    return MORE
end


-- Each ring is a new edge, so the worker's eventfd is never read.
assert(sys.register(native.worker.bell()))

return _M
