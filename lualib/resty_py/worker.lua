-- The worker's VM: what the Python loop (resty_py/server/worker.py) calls.

local api = require "resty_py.api"
local board = require "resty_py.board"
local clock = require "resty_py.clock"
local connection = require "resty_py.net.connection"
local deadlines = require "resty_py.scheduler.deadlines"
local deferred = require "resty_py.scheduler.deferred"
local downstream = require "resty_py.http.downstream"
local entrance = require "resty_py.request.entrance"
local handler = require "resty_py.program.handler"
local hooks = require "resty_py.request.hooks"
local jobs = require "resty_py.scheduler.jobs"
local lifecycle = require "resty_py.lifecycle"
local listener = require "resty_py.http.listener"
local log = require "resty_py.log"
local native = require "resty_py.native"
local pools = require "resty_py.net.pool"
local program = require "resty_py.program"
local scheduler = require "resty_py.scheduler"
local settings = require "resty_py.settings"
local static = require "resty_py.static"
local statistics = require "resty_py.http.statistics"
local subrequest = require "resty_py.request.subrequest"
local sys = require "resty_py.sys"
local timer = require "resty_py.scheduler.timer"

local assert = assert
local collectgarbage = collectgarbage
local dispatch = connection.dispatch
local error = error
local expire = scheduler.expire
local gsub = string.gsub
local ipairs = ipairs
local pace = require("resty_py.garbage").pace
local poll = sys.poll
local publish = statistics.publish
local refresh = clock.refresh
local run_queue = scheduler.run_queue

-- Items of the run queue between two looks at the descriptors.
local QUEUE_LIMIT = 256
-- Looks at the descriptors, and seconds, before other Trio tasks get their
-- share.
local ROUNDS, SHARE = 16, 0.01

-- What turn() returns in place of a deadline.
local MORE, OVER = 0, -1

-- What is said of code that does not compile, but not here.
local LOADING = "^failed to load inlined Lua code: "

local listeners = {}
-- The clients that the other workers know of.
local published = 0

local _M = {deliver = deferred.deliver, start_job = jobs.start,
            cancel_job = jobs.cancel, refresh = refresh}


-- Closes every descriptor: the worker has stopped.
function _M.close()
    connection.close_all()
    static.close_all()
end


-- Runs init_by_lua and its kin. Returns true | nil, what OpenResty says.
local function run_hook(phase)
    local code = program.hooks[phase]
    local main = settings.main
    local chunk, err = true, nil
    if code then
        chunk, err = handler.load(code)
    end
    if code and chunk then
        chunk, err = hooks.run_plain(phase, chunk, main)
    end
    if not chunk then
        local form = code.path and "_by_lua_file" or "_by_lua"
        return nil, phase .. form .. " error: " .. gsub(err, LOADING, "")
    end
    return true
end


-- Installs the ngx API and the program; see resty_py/conf/program.py.
-- Returns true | nil, why the configuration cannot run.
function _M.start(given)
    program.load(given)
    api.install()
    if given.is_console then
        require("resty_py.console").install()
    end
    handler.remember(program.hooks.init)
    -- What loading has left is no measure of the garbage to come.
    pace()
    collectgarbage()
    return run_hook("init")
end


-- What runs when the loop begins, and when it has ended.
function _M.run_hook(phase)
    local ok, err = run_hook(phase)
    if not ok then
        log.write(log.ERR, err)
    end
end


local function close_listeners()
    for _, each in ipairs(listeners) do
        each:close()
    end
    listeners = {}
end


local function listen(fd, name, endpoint)
    local opened, err = listener.open(fd, name, entrance, endpoint)
    if not opened then
        error("cannot poll the listener " .. name .. ": " .. err, 0)
    end
    listeners[#listeners + 1] = opened
end


-- Serves an endpoint of the program on a listening descriptor.
--   fd, name   the descriptor and its address, for the logs
--   number     that of the endpoint, from 1 on
function _M.listen(fd, name, number)
    return listen(fd, name, program.endpoint(number))
end


-- Serves one content handler.
--   given      settings, as those of a location
--   chunk      the handler, a loaded chunk
function _M.listen_app(fd, name, given, chunk)
    return listen(fd, name, program.app(given, chunk))
end


-- Begins to stop: no new clients, idle ones closed, timers run prematurely.
function _M.begin_exit()
    close_listeners()
    pools.drain()
    lifecycle.begin_exit()
end


-- Goes on in a fork of the process that has loaded the program.
function _M.forked()
    assert(sys.register(native.worker.bell()))
    board.open()
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
        and subrequest.detached == 0
end


local function turn()
    refresh()
    if downstream.active ~= published then
        published = downstream.active
        board.publish(published)
    end
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


-- Runs all that is ready. Returns the time of the next deadline
-- (clock.mono seconds, math.huge when there is none), MORE when there is
-- more to do right away, OVER when the worker is exiting and has finished.
function _M.turn()
    local due = turn()
    publish()
    return due
end


-- Each ring is a new edge, so the worker's eventfd is never read.
assert(sys.register(native.worker.bell()))

return _M
