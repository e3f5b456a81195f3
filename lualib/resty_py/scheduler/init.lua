-- The scheduler: light threads on one run queue.
--
-- A light thread is a coroutine with a record. It runs until it parks; what
-- it waits for (a descriptor, a deadline, another thread, the host) wakes
-- it, and the run queue resumes it in turn.
--
-- Rules:
--
-- 1. Only the scheduler resumes a light thread's coroutine, from the main
--    thread of the VM, so that every yield of the runtime reaches it.
-- 2. A yield of the runtime carries RUNTIME as its first value. Replaced
--    coroutine functions (coroutine.lua) hand such a yield on outwards and
--    its answer inwards; a user's resume never sees one.
-- 3. yield(RUNTIME) parks. yield(RUNTIME, action, …) leaves the coroutine,
--    then calls action(thread, …): how spawn, exit, exec and redirect leave
--    the code they are called from, whatever pcall stands between. Where a C
--    function stands between (a callback of string.gsub) nothing can yield:
--    the answer REFUSED, or no yield at all, is an error with OpenResty's
--    text there.
-- 4. wake() acts once: the first of an event, a deadline or a kill puts a
--    parked thread on the queue, the others find it no longer parked.
-- 5. While events and deadlines are being marked no user code runs: all of
--    it runs from the queue afterwards. An event can so never hit a
--    descriptor that was closed and opened anew within the same batch.
-- 6. Fairness: the queue is served first come, first served, and a thread
--    whose operations never need to wait pauses after SLICE of them.
-- 7. `light` must not lead to the coroutines that it is keyed by: a Lua without
--    ephemeron tables (5.1, LuaJIT) would keep them for ever, and a record
--    leads to its request and its parent's stack, where its coroutine may be.
--    So there the record of a dead thread hangs on the coroutine instead: as
--    its environment, for nothing runs in it any more.
--
-- Fields of a light thread:
--
--   co        its coroutine, nil once dead
--   request   the request (or timer: a request without a client) it serves
--   parent    the light thread that spawned it, nil for an entry thread
--   parked    true while it waits to be woken
--   value     what the wake hands to park()
--   owner     has forget(owner, thread), which undoes what the thread waits
--             for; set from park() until the thread runs again
--   dead      finished, failed or killed
--   ended     function(thread, ok, …) called once when it finishes or fails
--
-- Whatever has `parked`, `value` and run(item, value) can be woken the same
-- way: the HTTP connections are such items without a coroutine.

local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local trace = require "resty_py.scheduler.trace"

local create = coroutine.create
local error = error
local resume = coroutine.resume
local setmetatable = setmetatable
local tostring = tostring
local traceback = debug.traceback
local xpcall = xpcall
local yield = coroutine.yield

-- Lua 5.1 and 5.2 cannot tell; their own words are raised there.
local can_yield = coroutine.isyieldable or function()
    return true
end

local RUNTIME = {}
local DONE = {}
-- The answer to a yield that a C function keeps from the scheduler.
local REFUSED = {}
-- What park() returns when the deadline came first.
local TIMEOUT = {}

-- Operations that a light thread may do without waiting before it pauses.
local SLICE = 256
-- Items of the queue that a thread which used up its slice counts for: a few
-- such threads, or one again and again, are a turn's work.
local SLICE_ITEMS = 64

-- `current`: the light thread that runs now, or a stand-in of a phase that
-- cannot yield; nil outside Lua handlers. `alive`: light threads not ended.
-- `cache_max`: idle coroutines kept for entry threads, which
-- lua_thread_cache_max_entries sets.
local _M = {RUNTIME = RUNTIME, REFUSED = REFUSED, TIMEOUT = TIMEOUT,
            current = nil, budget = 0, alive = 0, cache_max = 1024}

local queue = {}
local head, tail = 1, 1
local stop = 0

local cache = {}
local cached = 0

-- Coroutine of a light thread -> its record if it was spawned (HANGING where
-- that hangs on the coroutine), else true.
local light = setmetatable({}, {__mode = "k"})
_M.light = light

local HANGING = {}
local HAS_EPHEMERONS = _VERSION ~= "Lua 5.1"
local getfenv, setfenv = debug.getfenv, debug.setfenv

local Thread = {}
Thread.__index = Thread


-- The body of every light thread's coroutine: runs a function, says DONE
-- with its results, and starts over when handed the next one.
local function serve(f, ...)
    return serve(yield(DONE, f(...)))
end


-- What calls the function of a light thread.
_M.base = serve

-- A debug hook lasts until the light thread that set it waits or ends: LuaJIT
-- has one for the whole VM, which must not run in the runtime, and elsewhere
-- it stays with a coroutine that another request will use.
local hooked = false
local debugging = log.enabled(log.DEBUG)
local sethook = debug.sethook

function debug.sethook(...)
    hooked = true
    return sethook(...)
end


local function take_coroutine()
    if cached == 0 then
        local co = create(serve)
        light[co] = true
        return co
    end
    local co = cache[cached]
    cache[cached] = nil
    cached = cached - 1
    if debugging then
        log.debug(nil, "lua reusing cached lua thread " .. tostring(co))
    end
    return co
end


local function push(item)
    queue[tail] = item
    tail = tail + 1
end


-- Puts `item` at the end of the run queue.
_M.post = push


-- Puts `item` at the front of the run queue.
function _M.post_first(item)
    head = head - 1
    queue[head] = item
end


-- Wakes a parked item with `value`; does nothing to one that is not parked.
function _M.wake(item, value)
    if item.parked then
        item.parked = false
        item.value = value
        push(item)
    end
end


local wake = _M.wake


-- Undoes a wait that a C function kept from the scheduler.
local function undo_wait(thread)
    thread.parked = false
    thread.owner:forget(thread)
end


-- Returns the record of a spawned light thread by its coroutine, true for any
-- other light thread's, nil for what is none.
function _M.record(co)
    local record = light[co]
    if record == HANGING then
        return getfenv(co)
    end
    return record
end


-- Marks a light thread as dead; returns its coroutine.
local function bury(thread)
    local co = thread.co
    _M.alive = _M.alive - 1
    thread.dead = true
    thread.co = nil
    if thread.parent and not HAS_EPHEMERONS then
        light[co] = HANGING
        setfenv(co, thread)
    end
    return co
end


local function finish(thread, ok, ...)
    local co = bury(thread)
    if thread.parked then
        undo_wait(thread)
    end
    if ok and not thread.parent and cached < _M.cache_max then
        cached = cached + 1
        cache[cached] = co
        if debugging then
            log.debug(nil, "lua caching unused lua thread " .. tostring(co))
        end
    end
    return thread:ended(ok, ...)
end


local function act(thread, action, ...)
    if action then
        return action(thread, ...)
    end
end


local function after_mark(thread, mark, ...)
    if mark == DONE then
        return finish(thread, true, ...)
    end
    return act(thread, ...)
end


local function after(thread, ok, ...)
    _M.current = nil
    if hooked then
        hooked = false
        sethook(thread.co)
    end
    if ok then
        return after_mark(thread, ...)
    end
    thread.raised = thread.parent and trace.raised(thread.co)
    return finish(thread, false, (...), trace.of(thread.co, serve, (...)))
end


-- Resumes the thread, which is not parked, with `value`.
function Thread.run(thread, value)
    if thread.dead then
        return
    end
    _M.current = thread
    _M.budget = SLICE
    thread.value = nil
    thread.owner = nil
    return after(thread, resume(thread.co, value))
end


-- Resumes a thread that is parked at once, before what is queued.
function _M.run_now(thread)
    if thread.parked then
        thread.parked = false
        _M.item = thread
        return thread:run()
    end
end


-- Ends what the thread serves when the runtime itself has failed in it.
function Thread.give_up(thread)
    local r = thread.request
    _M.kill(thread)
    if r.downstream then
        return r.downstream:give_up()
    elseif not r.terminated then
        return r:over()
    end
end


-- Starts f(…) in a new light thread at once.
--   request, parent, ended: as the fields above
-- Returns its record and its coroutine.
function _M.start(request, parent, ended, f, ...)
    local co = parent and create(serve) or take_coroutine()
    local thread = setmetatable({
        co = co,
        request = request,
        parent = parent,
        parked = false,
        value = nil,
        owner = nil,
        dead = false,
        ended = ended,
    }, Thread)
    if parent then
        light[co] = thread
    end
    _M.alive = _M.alive + 1
    local outer = _M.current
    _M.current = thread
    _M.budget = SLICE
    after(thread, resume(co, f, ...))
    _M.current = outer
    return thread, co
end


-- Ends a light thread where it is parked or queued; `ended` is not called.
function _M.kill(thread)
    if thread.dead then
        return
    end
    local owner = thread.owner
    bury(thread)
    thread.parked = false
    thread.value = nil
    thread.owner = nil
    if owner then
        owner:forget(thread)
    end
end


local function refuse()
    error("attempt to yield across C-call boundary", 0)
end


-- Parks the current light thread until it is woken; returns wake's value.
--   owner   has forget(owner, thread), which undoes the waiting: on a kill,
--           or where the thread cannot yield
function _M.park(owner)
    local thread = _M.current
    if thread.parked and thread.owner ~= owner then
        undo_wait(thread)
    end
    thread.parked = true
    thread.owner = owner
    local value = REFUSED
    if can_yield() then
        value = yield(RUNTIME)
    end
    if value == REFUSED then
        undo_wait(thread)
        refuse()
    end
    return value
end


-- Leaves the current light thread to run action(thread, …) outside of it.
function _M.leave(action, ...)
    local thread = _M.current
    if thread.parked then
        undo_wait(thread)
    end
    local value = REFUSED
    if can_yield() then
        value = yield(RUNTIME, action, ...)
    end
    if value == REFUSED then
        refuse()
    end
    return value
end


-- Lets the threads before this one in the queue run.
function _M.pause()
    _M.leave(push)
end


-- Counts an operation that did not have to wait; pauses when it is time.
--   owner   as park() takes it: a thread that pauses within an operation can
--           be killed there
function _M.spend(owner)
    local budget = _M.budget - 1
    _M.budget = budget
    if budget < 0 and can_yield() then
        stop = stop - SLICE_ITEMS
        _M.current.owner = owner
        return _M.pause()
    end
end


local function fire(entry)
    local waiter = entry.waiter
    entry.waiter = nil
    if waiter then
        wake(waiter, TIMEOUT)
    end
end


-- Wakes everything whose deadline has come.
function _M.expire()
    deadlines.expire(fire)
end


local function run_items()
    while head < tail and head < stop do
        local item = queue[head]
        queue[head] = nil
        head = head + 1
        _M.item = item
        item:run(item.value)
    end
end


-- Keeps the worker alive when the runtime itself fails in an item.
local function contain(err)
    log.write(log.ALERT, "internal error: " .. tostring(err) .. "\n"
              .. traceback())
    _M.current = nil
    local item = _M.item
    if item.give_up then
        item:give_up()
    end
end


-- Runs the queue until it is empty, up to `limit` items, fewer where threads
-- use up their slices; returns true when more is queued.
function _M.run_queue(limit)
    stop = head + limit
    if not xpcall(run_items, contain) then
        return true
    end
    if head == tail then
        head, tail = 1, 1
        return false
    end
    return true
end


return _M
