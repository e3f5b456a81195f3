#!/usr/bin/env lua
-- Notes in a file of the server which phase has come.
local OF_WORKER = {init = true, init_worker = true, exit_worker = true}

local phase = ngx.get_phase()
local name = OF_WORKER[phase] and "worker" or ngx.var.server_name
local file = io.open(ngx.config.prefix() .. "logs/" .. name .. ".out", "a")
file:write(phase, "\n")
file:close()
return phase
