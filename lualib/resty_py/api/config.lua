-- ngx.config, ngx.worker, ngx.get_phase.
--
-- Follows ngx_http_lua_config.c, resty.core.worker and resty.core.phase.

local lifecycle = require "resty_py.lifecycle"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"
local version = require "resty_py.version"

local worker = native.worker

local current = phases.request
local phase_name = phases.name

-- The NGX_HTTP_LUA_CONTEXT_* bits.
local RAW_PHASES = {
    set = 0x1, rewrite = 0x2, access = 0x4, content = 0x8, log = 0x10,
    header_filter = 0x20, body_filter = 0x40, timer = 0x80,
    init_worker = 0x100, balancer = 0x200, ssl_cert = 0x400,
    ssl_session_store = 0x800, ssl_session_fetch = 0x1000,
    exit_worker = 0x2000, ssl_client_hello = 0x4000, server_rewrite = 0x8000,
}

-- What of a worker's pids may not be asked for: nothing is forked yet.
local BEFORE_WORKERS = {init = true, init_worker = true}

local _M = {}


-- ngx.config.prefix(): ends with a slash.
local function prefix()
    local root = worker.root()
    return root:sub(-1) == "/" and root or root .. "/"
end


local function pids()
    if BEFORE_WORKERS[phase_name()] then
        return nil, "API disabled in the current context"
    end
    return {worker.pids()}
end


-- Returns an API function around a host function, which takes no arguments:
-- what callers pass beside is ignored, as of any Lua function.
local function plain(host_function)
    return function() return host_function() end
end


local function get_raw_phase()
    return RAW_PHASES[current().phase]
end


-- Returns the table ngx.config.
function _M.table()
    return {
        subsystem = "http",
        debug = false,
        prefix = prefix,
        nginx_version = version.nginx_number,
        nginx_configure = plain(worker.configure),
        ngx_lua_version = version.ngx_lua_number,
    }
end


function _M.install(ngx)
    ngx.get_phase = phase_name
    ngx.get_raw_phase = get_raw_phase
    ngx.config = _M.table()
    ngx.worker = {
        id = plain(worker.number),
        count = plain(worker.count),
        pid = plain(worker.pid),
        pids = pids,
        exiting = function()
            return lifecycle.exiting
        end,
    }
end


return _M
