-- Python coroutine functions that the program around the worker provides
-- (Worker.provide).
--
--   call(name, …)   parks the light thread until the function has answered;
--                   returns its results | nil, err

local deferred = require "resty_py.scheduler.deferred"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"

local await = deferred.await
local check = phases.check

local YIELDABLE = phases.YIELDABLE

local _M = {}


function _M.call(name, ...)
    check(YIELDABLE)
    return await(native.provided.call, name, ...)
end


return _M
