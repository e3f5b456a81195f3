-- Python coroutine functions that the program around the worker provides
-- (Worker.provide).
--
--   call(name, …)   parks the light thread until the function has answered;
--                   returns its results | nil, err; an error where the name
--                   is no string, or an argument cannot be given to Python

local deferred = require "resty_py.scheduler.deferred"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"

local await = deferred.await
local check = phases.check
local error = error
local format = string.format
local select = select
local type = type

local YIELDABLE = phases.YIELDABLE

local _M = {}


function _M.call(...)
    local name = ...
    if type(name) ~= "string" then
        local got = select("#", ...) == 0 and "no value" or type(name)
        error(format("bad argument #1 to 'call' (string expected, got %s)",
                     got), 2)
    end
    check(YIELDABLE)
    return await(native.provided.call, ...)
end


return _M
