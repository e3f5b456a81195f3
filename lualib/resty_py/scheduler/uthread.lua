-- Light threads of a user: ngx.thread.spawn, wait, kill.
--
-- Rules:
--
-- 1. spawn runs the new thread at once, up to its first wait; the spawner
--    goes on after the threads that were queued before.
-- 2. Only the coroutine that spawned a thread, its parent, waits for or
--    kills it. wait returns for the first of several that ended, and does so
--    at once, before threads that are queued; the others go on.
-- 3. A thread that has ended keeps its results until its parent takes them
--    or ends: till then its status is "zombie".
-- 4. Of an error that error() raised wait tells what it was called with: the
--    place that error() puts in front comes after it, in another value.
--
-- Fields a spawned thread has beside those of every light thread:
--
--   spawner   the coroutine that spawned it
--   results   {n = …, ok, …} when it has ended
--   waited    its results were taken, or it was killed
--   wait      the Wait of its parent, while it waits for this thread
--
-- r.spawner is the thread that spawned one last, until it goes on.
--
-- Follows ngx_http_lua_uthread.c and ngx_http_lua_util.c.

local engine = require "resty_py.request.engine"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local YIELDABLE = phases.YIELDABLE
local check = phases.check
local error = error
local format = string.format
local getinfo = debug.getinfo
local leave = scheduler.leave
local record = scheduler.record
local run_now = scheduler.run_now
local running = coroutine.running
local select = select
local setmetatable = setmetatable
local type = type
local unpack = unpack or table.unpack  -- luacheck: ignore 143

local KILLED = "already waited or killed"

-- Threads that spawn threads that spawn threads … on the scheduler's stack.
local NESTING_MAX = 100
local nesting = 0

local _M = {}


-- Keeps what a thread ended with, for whoever waits for it or will.
local function keep(thread, ...)
    local r, wait = thread.request, thread.wait
    if r.threads then
        r.threads[thread] = nil
    end
    thread.results = {n = select("#", ...), ...}
    engine.thread_over(r)
    if wait then
        wait.ended = thread
        return run_now(wait.thread)
    end
end


local function ended(thread, ok, ...)
    if ok then
        return keep(thread, true, ...)
    end
    local err, trace = ...
    engine.log_abort(thread.request, "user", err, trace)
    local raised = thread.raised
    if raised ~= nil and raised ~= err then
        return keep(thread, false, raised, err)
    end
    return keep(thread, false, err)
end


local function begin(parent, spawner, f, ...)
    local r = parent.request
    local thread, co = scheduler.start(r, parent, ended, f, ...)
    thread.spawner = spawner
    if not parent.dead then
        parent.value = co
    end
    if r.terminated then
        scheduler.kill(thread)
    elseif not thread.dead then
        r.threads[thread] = true
    end
end


-- A thread that is to begin once the stack of the scheduler is unwound.
local Beginning = {}
Beginning.__index = Beginning


function Beginning:run()
    if not self.parent.request.terminated then
        return begin(self.parent, self.spawner,
                     unpack(self.call, 1, self.call.n))
    end
end


local function start(parent, spawner, ...)
    local r = parent.request
    scheduler.post(parent)
    r.spawner = parent
    r.alive = r.alive + 1
    r.threads = r.threads or {}
    if nesting == NESTING_MAX then
        return scheduler.post_first(setmetatable({
            parent = parent,
            spawner = spawner,
            call = {n = select("#", ...), ...},
        }, Beginning))
    end
    nesting = nesting + 1
    begin(parent, spawner, ...)
    nesting = nesting - 1
end


-- Runs f(…) in a new light thread; returns its coroutine.
function _M.spawn(f, ...)
    check(YIELDABLE)
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #1 to 'spawn' (Lua function expected)", 2)
    end
    local co = leave(start, (running()), f, ...)
    local thread = scheduler.current
    if thread.request.spawner == thread then
        thread.request.spawner = nil
    end
    return co
end


-- Waiting -------------------------------------------------------------------


-- Returns the light thread that may be waited for | nil, the refusal.
local function find(co, index)
    local thread = record(co)
    if type(co) ~= "thread" then
        return nil, format("bad argument #%d to 'wait' (lua thread expected)",
                           index)
    elseif not thread or thread == true then
        return nil, "attempt to wait on a coroutine that is not a user thread"
    elseif thread.spawner ~= running() then
        return nil, "only the parent coroutine can wait on the thread"
    end
    return thread
end


local function take(thread)
    local results = thread.results
    thread.waited = true
    thread.results = nil
    return unpack(results, 1, results.n)
end


-- The wait of a light thread for others: an array of them.
local Wait = {}
Wait.__index = Wait


function Wait:forget()
    for i = 1, self.n do
        if self[i].wait == self then
            self[i].wait = nil
        end
    end
end


function Wait:add(thread)
    self.n = self.n + 1
    self[self.n] = thread
end


-- Parks until one of the threads has ended; returns it.
function Wait:run()
    for i = 1, self.n do
        self[i].wait = self
    end
    scheduler.park(self)
    self:forget()
    return self.ended
end


-- Waits for the first of `…` (coroutines) to end.
-- Returns true, its results | false, err | nil, "already waited or killed".
function _M.wait(...)
    check(YIELDABLE)
    local n = select("#", ...)
    if n == 0 then
        error("at least one coroutine should be specified", 2)
    end
    local wait = setmetatable({thread = scheduler.current, ended = nil,
                               n = 0}, Wait)
    for i = 1, n do
        local thread, err = find(select(i, ...), i)
        if not thread then
            error(err, 2)
        elseif thread.results then
            return take(thread)
        elseif not thread.waited then
            wait:add(thread)
        elseif i == n then
            return nil, KILLED
        end
    end
    return take(wait:run())
end


-- Killing -------------------------------------------------------------------


-- Why a thread cannot be killed, or nil.
local function refusal(thread)
    if not thread or thread == true then
        return "not user thread"
    elseif thread.spawner ~= running() then
        return "killer not parent"
    elseif thread.waited then
        return KILLED
    elseif thread.dead then
        return "already terminated"
    elseif thread.owner and thread.owner.is_subrequests then
        return "pending subrequests"
    end
end


-- Ends a thread that has not.
-- Returns 1 | nil, err.
function _M.kill(co)
    check(YIELDABLE)
    if type(co) ~= "thread" then
        error("bad argument #1 to 'kill' (lua thread expected)", 2)
    end
    local thread = record(co)
    local err = refusal(thread)
    if err == "already terminated" then
        thread.waited = true
        thread.results = nil
    end
    if err then
        return nil, err
    end
    scheduler.kill(thread)
    thread.waited = true
    local r = thread.request
    r.threads[thread] = nil
    r.alive = r.alive - 1
    return 1
end


return _M
