-- The coroutine library of Lua handlers.
--
-- Inside a user's coroutine both its own yields and the runtime's pass by.
-- Rules:
--
-- 1. A yield whose first value is RUNTIME is the runtime's: resume hands it
--    on outwards with its own coroutine left suspended, and takes the
--    scheduler's answer inwards. The whole light thread waits; the user's
--    resume does not return.
-- 2. Meanwhile the coroutine counts as running and the one that resumed it
--    as normal: `waiting` says so, and a second resume, from another light
--    thread, is refused.
-- 3. Where a C function keeps the yield from going outwards the answer is
--    REFUSED, and the error is raised where the runtime wanted to wait.
-- 4. A plain yield in a light thread's own coroutine lets other threads run. A
--    handler that cannot wait (request/hooks.lua) has no coroutine to yield,
--    and most may not make any.
--
-- Follows ngx_http_lua_coroutine.c.

local pass = require "resty_py.scheduler.trace".pass
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"

local REFUSED = scheduler.REFUSED
local RUNTIME = scheduler.RUNTIME
local create = coroutine.create
local error = error
local format = string.format
local getinfo = debug.getinfo
local light = scheduler.light
local pause = scheduler.pause
local record = scheduler.record
local resume = coroutine.resume
local running = coroutine.running
local setmetatable = setmetatable
local status = coroutine.status
local type = type
local yield = coroutine.yield

local can_yield = coroutine.isyieldable or function()
    return true
end

-- Phases that cannot wait and yet may have coroutines: Lua's own there.
local FREE = {header_filter = true, body_filter = true, init = true}

-- Coroutine -> its status while the runtime waits in it.
local waiting = setmetatable({}, {__mode = "k"})

-- Coroutine -> how many coroutines it runs inside of. Each takes its share of
-- the C stack, which LuaJIT does not watch; Lua itself allows 200.
local depths = setmetatable({}, {__mode = "k"})
local DEPTH_MAX = 1000

local _M = {}


local function expect_coroutine(co, name)
    if type(co) ~= "thread" then
        error(format("bad argument #1 to '%s' (coroutine expected)", name), 3)
    end
end


local function expect_function(f, name)
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error(format("bad argument #1 to '%s' (Lua function expected)", name),
              3)
    end
end


local function check_phase()
    local thread = scheduler.current
    if thread and thread.is_hook and not FREE[thread.request.phase] then
        error(phases.disabled(thread.request.phase), 3)
    end
end


local function status_of(co)
    local thread = record(co)
    if not thread then
        return waiting[co] or status(co)
    elseif thread ~= true and thread.dead then
        return (thread.waited or thread.parent.dead) and "dead" or "zombie"
    end
    return (waiting[co] == "normal" or status(co) == "normal") and "normal"
        or "running"
end


-- coroutine.status(co): as Lua's, and "zombie" for a light thread that
-- ended and can still be waited for.
function _M.status(co)
    expect_coroutine(co, "status")
    return status_of(co)
end


local function hand_out(...)
    if can_yield() then
        return yield(...)
    end
    return REFUSED
end


local hand_in


-- Passes what the runtime yields in `co` by, until the user's values come.
local function relay(co, ok, ...)
    if (...) ~= RUNTIME then
        return ok, ...
    end
    local me = running()
    waiting[co] = waiting[co] or "running"
    waiting[me] = "normal"
    return hand_in(co, me, hand_out(...))
end


function hand_in(co, me, ...)
    waiting[co] = nil
    waiting[me] = nil
    return relay(co, resume(co, ...))
end


local function resume_if_suspended(co, ...)
    local state = status_of(co)
    if state ~= "suspended" then
        return false, "cannot resume " .. state .. " coroutine"
    end
    local depth = (depths[running()] or 0) + 1
    if depth > DEPTH_MAX then
        return false, "C stack overflow"
    end
    depths[co] = depth
    return relay(co, resume(co, ...))
end


-- coroutine.resume(co, …)
function _M.resume(co, ...)
    expect_coroutine(co, "resume")
    return resume_if_suspended(co, ...)
end


-- coroutine.create(f); only Lua functions can yield.
function _M.create(f)
    expect_function(f, "create")
    check_phase()
    return create(f)
end


-- Whether Lua's own coroutines are in force, whose errors tell where they come
-- out of coroutine.wrap.
local function are_free()
    local thread = scheduler.current
    return not thread or thread.is_hook
end


local function raise_or_return(co, ok, ...)
    if not ok then
        local me = running()
        if are_free() then
            error((...), 2)
        elseif me then
            pass(me, co, (...))
        end
        error((...), 0)
    end
    return ...
end


-- coroutine.wrap(f)
function _M.wrap(f)
    expect_function(f, "wrap")
    check_phase()
    local co = create(f)
    return function(...)
        return raise_or_return(co, resume_if_suspended(co, ...))
    end
end


-- coroutine.yield(…)
function _M.yield(...)
    if not light[running()] then
        return yield(...)
    elseif scheduler.current.is_hook then
        error("attempt to yield from outside a coroutine", 2)
    end
    return pause()
end


-- Puts these functions into the global coroutine table; the originals stay
-- as coroutine._create and so on, under the names OpenResty keeps them.
function _M.install()
    local library = coroutine
    for name, replacement in pairs(_M) do
        if name ~= "install" then
            library["_" .. name] = library[name]
            library["__" .. name] = replacement
            library[name] = replacement
        end
    end
end


return _M
