-- PUC Lua 5.1: a pcall and an xpcall that can be yielded across.
--
-- Stock 5.1 runs a protected function on the C stack, and a yield cannot
-- cross it. Here a protected call made inside a coroutine runs its function
-- in a coroutine of its own, a helper. Rules:
--
-- 1. A helper that yields makes its owner yield the same values, and the
--    values of the owner's next resume go back into the helper.
-- 2. A helper that ends or fails is the protected call's result. It is dead
--    then, but a failed one keeps its stack, so a message handler that asks
--    for a traceback still sees where the error happened (traceback.lua).
-- 3. Users never meet a helper: running() answers the coroutine they made,
--    and status() of that one says "running" while its helper runs.
-- 4. Outside a coroutine nothing can yield, and the stock functions are used.
-- 5. A C function runs in its caller's coroutine: some libraries' push their
--    results where they were made. Only yield itself can yield in 5.1.
-- 6. What 5.1 cannot do it still cannot: where the owner may not yield, in a
--    metamethod, its error is raised out of the protected call.
--
-- shim.outer   helper -> the coroutine (or helper) that waits for it
-- shim.inner   the same backwards
-- shim.failed  coroutine -> the failed helper whose handler it runs
--
-- The tables are weak both ways: the thread of a request that was dropped
-- while its protected call was parked must not be kept alive by them.

local shim = ...

local create = coroutine.create
local getinfo = debug.getinfo
local getmetatable = debug.getmetatable
local rawget = rawget
local resume = coroutine.resume
local running = coroutine.running
local select = select
local setmetatable = setmetatable
local status = coroutine.status
local stock_pcall = pcall
local stock_xpcall = xpcall
local type = type
local unpack = unpack
local yield = coroutine.yield

local inner = setmetatable({}, {__mode = "kv"})
local outer = setmetatable({}, {__mode = "kv"})
local failed = setmetatable({}, {__mode = "kv"})


local function call(f, ...)
    return f(...)
end


-- Stock Lua runs the handler where the error happened and gives the text
-- "error in error handling" for a handler that fails.
local function handle(co, helper, handler, problem)
    local before = failed[co]
    failed[co] = helper
    local ok, result = stock_pcall(handler, problem)
    failed[co] = before
    if ok then
        return result
    end
    return "error in error handling"
end


local function relay(co, helper, handler, ok, ...)
    if status(helper) == "suspended" then
        return relay(co, helper, handler, resume(helper, yield(...)))
    end
    inner[co] = nil
    if ok then
        return true, ...
    end
    local problem = ...
    if handler then
        problem = handle(co, helper, handler, problem)
    end
    return false, problem
end


local function protect(co, handler, f, ...)
    local helper = create(call)
    outer[helper] = co
    inner[co] = helper
    return relay(co, helper, handler, resume(helper, f, ...))
end


-- Whether f can be called, and needs a coroutine of its own.
local function needs_helper(f)
    if type(f) == "function" then
        return f == yield or getinfo(f, "S").what ~= "C"
    end
    local meta = getmetatable(f)
    return meta and rawget(meta, "__call")
end


function _G.pcall(...)
    if select("#", ...) == 0 then
        shim.blame(1, "value expected")
    end
    local co = running()
    if co and needs_helper((...)) then
        return protect(co, nil, ...)
    end
    return stock_pcall(...)
end


function _G.xpcall(f, handler, ...)
    if handler == nil then
        shim.blame(2, "value expected")
    end
    local co = running()
    if co and needs_helper(f) then
        return protect(co, handler, f, ...)
    end
    if select("#", ...) == 0 then
        return stock_xpcall(f, handler)
    end
    local count, arguments = select("#", ...), {...}
    return stock_xpcall(function()
        return f(unpack(arguments, 1, count))
    end, handler)
end


function coroutine.running()
    local co = running()
    while outer[co] do
        co = outer[co]
    end
    return co
end


function coroutine.status(co)
    local state = status(co)
    if state == "normal" and co == shim.running() then
        return "running"
    end
    return state
end


shim.failed = failed
shim.inner = inner
shim.machinery = {[handle] = true, [protect] = true, [relay] = true,
                  [resume] = true, [yield] = true}
shim.outer = outer
shim.running = coroutine.running
shim.stock_pcall = stock_pcall
shim.stock_running = running
