-- The ngx API.
--
--   install()   makes the globals ngx and ndk, and what else handlers find
--               changed: print, coroutine.*, and a guard on _G

local clib = require "resty_py.clib"
local clock = require "resty_py.clock"
local constants = require "resty_py.api.constants"
local globals = require "resty_py.api.globals"
local magic = require "resty_py.api.magic"
local ndk_api = require "resty_py.api.ndk"
local scalar = require "resty_py.api.scalar"
local time = require "resty_py.api.time"

local ipairs = ipairs
local require = require

-- Files with install(ngx), in no particular order.
local FILES = {
    "arg", "codec", "config", "control", "ctx", "exec", "header", "location",
    "log", "output", "re", "req_args", "req_body", "req_headers",
    "req_socket", "shared", "sleep", "socket", "state", "thread", "timer",
    "var", "worker_thread",
}

local _M = {}


function _M.install()
    local ngx = {req = {}, resp = {}}
    local ndk = {}
    constants.install(ngx)
    scalar.null = ngx.null
    time.install(ngx, clock)
    for _, name in ipairs(FILES) do
        require("resty_py.api." .. name).install(ngx)
    end
    ndk_api.install(ndk)
    magic.install(ngx)
    _G.ngx, _G.ndk = ngx, ndk
    package.loaded.ngx, package.loaded.ndk = ngx, ndk
    globals.install()
    clib.install()
end


return _M
