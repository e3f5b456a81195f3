-- The worker's VM: what the Python loop calls.
--
--   turn()         runs everything that is ready; returns the time of the
--                  next deadline (clock.mono seconds, math.huge when there
--                  is none), or 0 when there is more to do right away
--   deliver(…)     hands in the completion of a host task

local clock = require "resty_py.clock"
local connection = require "resty_py.net.connection"
local deadlines = require "resty_py.scheduler.deadlines"
local deferred = require "resty_py.scheduler.deferred"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"

local assert = assert
local dispatch = connection.dispatch
local expire = scheduler.expire
local poll = sys.poll
local refresh = clock.refresh
local run_queue = scheduler.run_queue

-- Items of the run queue between two looks at the descriptors.
local QUEUE_LIMIT = 1024
-- Looks at the descriptors before other Trio tasks get their share.
local ROUNDS = 16

local _M = {deliver = deferred.deliver}


function _M.turn()
    for _ = 1, ROUNDS do
        refresh()
        local events = poll(dispatch)
        expire()
        local more = run_queue(QUEUE_LIMIT)
        if events == 0 and not more then
            return deadlines.next()
        end
    end
    return 0
end


-- Each ring is a new edge, so the worker's eventfd is never read.
assert(sys.register(native.worker.bell()))

return _M
