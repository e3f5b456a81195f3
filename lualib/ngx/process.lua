-- ngx.process: which process this is.
--
--   type()                    "single", "worker", …
--   get_master_pid()          number
--   signal_graceful_exit()    this process ends once it has done what it began
--   enable_privileged_agent(connections)   nil, err: there is none yet
--
-- Follows lua-resty-core's module of this name and ngx_http_lua_worker.c.

local native = require "resty_py.native"
local phases = require "resty_py.request.phases"

local phase_name = phases.name
local type = type
local worker = native.worker

local _M = {version = require "resty.core.base".version,
            get_master_pid = worker.master_pid, type = worker.kind}


function _M.enable_privileged_agent(connections)
    if phase_name() ~= "init" then
        return nil, "API disabled in the current context"
    elseif connections ~= nil
        and (type(connections) ~= "number" or connections < 0)
    then
        return nil, "bad 'connections' argument: number expected and greater "
                    .. "than 0"
    end
    return nil, "the privileged agent is not supported yet by resty-py"
end


function _M.signal_graceful_exit()
    worker.quit()
end


return _M
