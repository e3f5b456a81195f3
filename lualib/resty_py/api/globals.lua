-- The guard of the global table: the first write of each new name is logged,
-- as all requests of a worker share it.
--
-- Follows ngx_http_lua_inject_global_write_guard.

local hooks = require "resty_py.request.hooks"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local trace = require "resty_py.scheduler.trace"

local phase_name = phases.name
local rawset = rawset
local setmetatable = setmetatable
local tostring = tostring

local WARN = log.WARN

-- Phases beside which no request runs.
local QUIET = {init = true, init_worker = true}

-- Where OpenResty's own guard stands, for those who look for its lines.
local WHERE = "[lua] _G write guard:12: __newindex(): "

local _M = {}


-- What called the code of the user's that runs.
local function base()
    local thread = scheduler.current
    return thread and thread.is_hook and hooks.base or scheduler.base
end


local function newindex(globals, name, value)
    rawset(globals, name, value)
    if QUIET[phase_name()] or not log.enabled(WARN) then
        return
    end
    log.request(scheduler.current.request, WARN, WHERE
                .. "writing a global Lua variable ('" .. tostring(name)
                .. "') which may lead to race conditions between concurrent "
                .. "requests, so prefer the use of 'local' variables\n"
                .. trace.here(base(), 2))
end


-- Watches the table of globals.
function _M.install()
    setmetatable(_G, {__newindex = newindex})
end


return _M
