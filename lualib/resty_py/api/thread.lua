-- ngx.thread: spawn, wait, kill; and the coroutine library of handlers.

local coroutines = require "resty_py.scheduler.coroutine"
local phases = require "resty_py.request.phases"
local uthread = require "resty_py.scheduler.uthread"

local check = phases.check
local error = error
local getinfo = debug.getinfo
local type = type

local YIELDABLE = phases.YIELDABLE


local function spawn(f, ...)
    check(YIELDABLE)
    if type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #1 to 'spawn' (Lua function expected)", 2)
    end
    return uthread.spawn(f, ...)
end


local function wait(...)
    check(YIELDABLE)
    return uthread.wait(...)
end


local function kill(co)
    check(YIELDABLE)
    return uthread.kill(co)
end


local _M = {}


function _M.install(ngx)
    ngx.thread = {spawn = spawn, wait = wait, kill = kill}
    coroutines.install()
end


return _M
