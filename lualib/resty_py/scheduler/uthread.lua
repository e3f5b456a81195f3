-- Light threads of a user: spawn, wait, kill.
--
-- Rules:
--
-- 1. spawn runs the new thread at once, up to its first wait; the spawner
--    goes on after the threads that were queued before.
-- 2. Only the parent waits for or kills a thread. wait returns for the
--    first of several that has ended; the others go on.
-- 3. A thread that has ended keeps its results until its parent takes them
--    or ends: till then its status is "zombie".
--
-- Fields a spawned thread has beside those of every light thread:
--
--   results   {n = …, ok, …} when it has ended
--   waited    its results were taken, or it was killed
--   waiter    the parent, while it waits for this thread
--
-- Follows ngx_http_lua_uthread.c and ngx_http_lua_util.c.

local engine = require "resty_py.request.engine"
local scheduler = require "resty_py.scheduler"

local error = error
local ipairs = ipairs
local leave = scheduler.leave
local light = scheduler.light
local select = select
local type = type
local unpack = unpack or table.unpack  -- luacheck: ignore 143
local wake = scheduler.wake

local _M = {}


local function keep(thread, ...)
    thread.results = {n = select("#", ...), ...}
    local waiter = thread.waiter
    if waiter then
        wake(waiter)
    end
end


local function ended(thread, ok, ...)
    local r = thread.request
    if r.threads then
        r.threads[thread] = nil
    end
    if ok then
        keep(thread, true, ...)
    else
        local err, trace = ...
        engine.log_abort(r, "user", err, trace)
        keep(thread, false, err)
    end
    return engine.thread_over(r)
end


local function start(parent, f, ...)
    local r = parent.request
    scheduler.post(parent)
    r.alive = r.alive + 1
    r.threads = r.threads or {}
    local thread = scheduler.start(r, parent, ended, f, ...)
    parent.value = thread.co
    if not thread.dead then
        r.threads[thread] = true
    end
end


-- Runs f(…) in a new light thread; returns its coroutine.
function _M.spawn(f, ...)
    return leave(start, f, ...)
end


-- Waiting -------------------------------------------------------------------


local function find(co)
    if type(co) ~= "thread" then
        error("lua thread expected", 3)
    end
    local thread = light[co]
    if not thread or thread == true then
        error("attempt to wait on a coroutine that is not a user thread", 3)
    elseif thread.parent ~= scheduler.current then
        error("only the parent coroutine can wait on the thread", 3)
    end
    return thread
end


local function take(thread)
    local results = thread.results
    thread.waited = true
    thread.results = nil
    return unpack(results, 1, results.n)
end


-- Waits for several threads at once: undone when the waiter is killed.
local Wait = {}
Wait.__index = Wait


function Wait:forget()
    for _, thread in ipairs(self) do
        thread.waiter = nil
    end
end


local function first_ended(threads)
    for _, thread in ipairs(threads) do
        if thread.results then
            return thread
        end
    end
end


-- Waits for the first of `...` (coroutines) to end.
-- Returns true, its results | false, err | nil, "already waited or killed".
function _M.wait(...)
    local n = select("#", ...)
    if n == 0 then
        error("at least one coroutine should be specified", 2)
    end
    local threads = setmetatable({}, Wait)
    for i = 1, n do
        local thread = find((select(i, ...)))
        if thread.results then
            return take(thread)
        elseif not thread.waited then
            threads[#threads + 1] = thread
        end
    end
    if #threads == 0 then
        return nil, "already waited or killed"
    end
    for _, thread in ipairs(threads) do
        thread.waiter = scheduler.current
    end
    local done
    repeat
        scheduler.park(threads)
        done = first_ended(threads)
    until done
    threads:forget()
    return take(done)
end


-- Killing -------------------------------------------------------------------


-- Ends a thread that has not.
-- Returns 1 | nil, err.
function _M.kill(co)
    if type(co) ~= "thread" then
        error("lua thread expected", 2)
    end
    local thread = light[co]
    if not thread or thread == true then
        return nil, "not user thread"
    elseif thread.parent ~= scheduler.current then
        return nil, "killer not parent"
    elseif thread.waited then
        return nil, "already waited or killed"
    elseif thread.dead then
        thread.waited = true
        return nil, "already terminated"
    end
    scheduler.kill(thread)
    thread.waited = true
    local r = thread.request
    r.threads[thread] = nil
    r.alive = r.alive - 1
    return 1
end


return _M
