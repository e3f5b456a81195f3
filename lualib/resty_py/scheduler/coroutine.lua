-- The coroutine library of Lua handlers.
--
-- Inside a user's coroutine both its own yields and the runtime's pass by.
-- Rules:
--
-- 1. A yield whose first value is RUNTIME is the runtime's: resume hands it
--    on outwards with its own coroutine left suspended, and takes the
--    scheduler's answer inwards. The whole light thread waits; the user's
--    resume does not return.
-- 2. Meanwhile the coroutine counts as running: `busy` refuses a second
--    resume from another light thread.
-- 3. A plain yield in a light thread's own coroutine lets other threads run.
--
-- Follows ngx_http_lua_coroutine.c.

local scheduler = require "resty_py.scheduler"

local RUNTIME = scheduler.RUNTIME
local create = coroutine.create
local error = error
local getinfo = debug.getinfo
local light = scheduler.light
local pause = scheduler.pause
local resume = coroutine.resume
local running = coroutine.running
local setmetatable = setmetatable
local status = coroutine.status
local type = type
local yield = coroutine.yield

local busy = setmetatable({}, {__mode = "k"})

local _M = {}


local function status_of_light(thread)
    if thread == true or not thread.dead then
        return "running"
    end
    return thread.waited and "dead" or "zombie"
end


-- coroutine.status(co): as Lua's, and "zombie" for a light thread that
-- ended and was not waited for.
function _M.status(co)
    local thread = light[co]
    if thread then
        return status_of_light(thread)
    end
    return busy[co] and "running" or status(co)
end


local function refusal(co)
    return false, "cannot resume " .. _M.status(co) .. " coroutine"
end


local function relay(co, ok, first, ...)
    if first == RUNTIME then
        return relay(co, resume(co, yield(first, ...)))
    end
    busy[co] = nil
    return ok, first, ...
end


local function answer(co, ok, first, ...)
    if first == RUNTIME then
        busy[co] = true
        return relay(co, ok, first, ...)
    elseif not ok and first == "cannot resume non-suspended coroutine" then
        return refusal(co)
    end
    return ok, first, ...
end


-- coroutine.resume(co, …)
function _M.resume(co, ...)
    if light[co] or busy[co] then
        return refusal(co)
    end
    return answer(co, resume(co, ...))
end


local function raise_or_return(ok, ...)
    if not ok then
        error((...), 0)
    end
    return ...
end


-- coroutine.create(f); only Lua functions can yield.
function _M.create(f)
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #1 to 'create' (Lua function expected)", 2)
    end
    return create(f)
end


-- coroutine.wrap(f)
function _M.wrap(f)
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #1 to 'wrap' (Lua function expected)", 2)
    end
    local co = create(f)
    return function(...)
        return raise_or_return(_M.resume(co, ...))
    end
end


-- coroutine.yield(…)
function _M.yield(...)
    if light[running()] then
        return pause()
    end
    return yield(...)
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
