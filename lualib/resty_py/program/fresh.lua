-- lua_code_cache off: every request runs its code in a world of its own.
--
--   remember(init)    what worlds begin with: the globals and modules that
--                     there are now, and init_by_lua, the source of a handler
--                     (handler.lua), or nil
--   adopt(r, chunk)   makes a chunk one of the world of r
--                     | nil, why there is none: init_by_lua has failed
--
-- Rules:
--
-- 1. A world has its own globals and its own loaded modules. It is made, and
--    init_by_lua runs in it, when its request first runs code. An internal
--    redirect begins another; timers, and subrequests whose answers Lua wants,
--    stay in that of who made them.
-- 2. OpenResty makes a VM; this is an environment. Shared remains what does
--    not go by globals and require: the tables of ngx and of the standard
--    libraries, metatables of strings, C modules.
--
-- Follows ngx_http_lua_create_ctx and ngx_http_lua_init_vm.

local hooks = require "resty_py.request.hooks"
local settings = require "resty_py.settings"

local assert = assert
local error = error
local format = string.format
local getinfo = debug.getinfo
local gsub = string.gsub
local load = load
local loadfile = loadfile
local loadstring = loadstring
local package = package
local pairs = pairs
local setfenv = setfenv
local sub = string.sub
local type = type

-- compat/require.lua, which makes the functions of `package` and require, and
-- what makes module() beside it.
local REQUIRE = sub(getinfo(require, "S").source, 2)
local MODULE = gsub(REQUIRE, "require%.lua$", "module.lua")

local globals, modules, init_of

local _M = {}


local function copy(from)
    local to = {}
    for key, value in pairs(from) do
        to[key] = value
    end
    return to
end


local function expecting(name)
    return function(value, kind)
        if type(value) ~= kind then
            error(format("bad argument #1 to '%s' (%s expected, got %s)",
                         name, kind, type(value)), 3)
        end
    end
end


local shims = {
    [REQUIRE] = {expect = expecting("require")},
    [MODULE] = {expect = expecting("module"), getinfo = getinfo,
                change_environment = setfenv},
}


local function within(env, chunk, err)
    if chunk then
        setfenv(chunk, env)
    end
    return chunk, err
end


local function install_loading(env)
    function env.load(chunk, name, mode, own)
        return load(chunk, name, mode, own or env)
    end
    function env.loadfile(path, mode, own)
        return loadfile(path, mode, own or env)
    end
    function env.loadstring(text, name)
        return within(env, loadstring(text, name))
    end
    function env.dofile(path)
        local chunk, err = loadfile(path, nil, env)
        if not chunk then
            error(err, 0)
        end
        return chunk()
    end
end


local function install_package(env)
    local own = copy(package)
    own.loaded, own.preload = copy(modules), copy(package.preload)
    own.loaders, own.searchers = {}, nil
    own.loaded._G, own.loaded.package = env, own
    env.package = own
    for path, shim in pairs(shims) do
        assert(loadfile(path, nil, env))(shim)
    end
end


local function new_world()
    local env = copy(globals)
    env._G = env
    install_loading(env)
    install_package(env)
    local chunk, err = true, nil
    if init_of then
        chunk, err = init_of()
    end
    if chunk and init_of then
        setfenv(chunk, env)
        chunk, err = hooks.run_plain("init", chunk, settings.main)
    end
    if not chunk then
        return nil, "init_by_lua error: " .. err
    end
    return env
end


function _M.remember(init)
    globals, modules, init_of = copy(_G), copy(package.loaded), init
end


function _M.adopt(r, chunk)
    local err
    if not r.world then
        r.world, err = new_world()
    end
    return r.world and setfenv(chunk, r.world), err
end


return _M
