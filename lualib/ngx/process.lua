-- ngx.process: which process this is.
--
--   type()                    "single", "worker", …
--   get_master_pid()          number
--   signal_graceful_exit()    this process ends once it has done what it began
--   enable_privileged_agent(connections)   true | nil, err; from init_by_lua
--                            on: a process beside the workers that has no
--                            listeners and keeps the master's user
--
-- Follows lua-resty-core's module of this name and ngx_http_lua_worker.c.

local native = require "resty_py.native"
local phases = require "resty_py.request.phases"

local phase_name = phases.name
local type = type
local worker = native.worker

-- Connections of the privileged agent, if it is not said how many.
local AGENT_CONNECTIONS = 512

local _M = {version = require "resty.core.base".version}


function _M.type()
    return worker.kind()
end


function _M.get_master_pid()
    return worker.master_pid()
end


function _M.enable_privileged_agent(connections)
    if phase_name() ~= "init" then
        return nil, "API disabled in the current context"
    elseif connections ~= nil
        and (type(connections) ~= "number" or connections < 0)
    then
        return nil, "bad 'connections' argument: number expected and greater "
                    .. "than 0"
    end
    worker.enable_agent(connections or AGENT_CONNECTIONS)
    return true
end


function _M.signal_graceful_exit()
    worker.quit()
end


return _M
