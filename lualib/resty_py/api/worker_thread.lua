-- ngx.run_worker_thread: a function of a module in a thread and a VM of its
-- own, while the light thread waits and the worker goes on.
--
--   ngx.run_worker_thread(pool, module, name, …)
--       pool     a thread pool: `thread_pool` of nginx.conf
--       …        arguments, which are copied (resty_py.thread.copy)
--     returns true, the results | false, err
--
-- A light thread that is killed meanwhile does not stop the function: nobody
-- gets its results. The other sides: resty_py.thread.vm and
-- resty_py/host/threads.py.
--
-- Follows ngx_http_lua_worker_thread.c.

local copy = require "resty_py.thread.copy"
local deferred = require "resty_py.scheduler.deferred"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"

local await = deferred.await
local check = phases.check
local pack = copy.pack
local package = package
local select = select
local threads = native.threads
local type = type
local unpack = copy.unpack

local YIELDABLE = phases.YIELDABLE

local _M = {}


-- Strings, and numbers as such; nil for anything else.
local function name_of(value)
    local kind = type(value)
    return (kind == "string" or kind == "number") and value .. "" or nil
end


-- Returns nil where the thread can be asked, else what OpenResty says.
local function refusal(n, pool, module, name)
    if n < 3 then
        return "expecting at least 3 arguments"
    elseif not name_of(pool) then
        return "threadpool should be a string"
    elseif not threads.has(name_of(pool)) then
        return "thread pool " .. pool .. " not found"
    elseif not name_of(module) then
        return "module name should be a string"
    elseif not name_of(name) then
        return "function name should be a string"
    end
end


local function answer(ok, results)
    if ok then
        return true, unpack(results)
    end
    return false, results
end


local function run(pool, module, name, ...)
    local arguments, err = pack(...)
    local complaint = err and err .. " in the argument"
    return answer(await(threads.run, name_of(pool), name_of(module),
                        name_of(name), arguments, complaint, package.path,
                        package.cpath))
end


local function run_worker_thread(...)
    check(YIELDABLE)
    local err = refusal(select("#", ...), ...)
    if err then
        return false, err
    end
    return run(...)
end


function _M.install(ngx)
    ngx.run_worker_thread = run_worker_thread
end


return _M
