-- The VM of a thread, in which functions that ngx.run_worker_thread names run.
--
--   start(path, cpath, settings)   makes its `ngx`; what the worker's VM has
--                                  as package.path and cpath, and its settings
--   run(module, name, arguments, complaint)
--                                  calls a function of a module
--
-- It is not driven by a loop, so that what waits or belongs to a request is
-- not there: `ngx` has what computes (encodings, hashes) or tells the time,
-- the constants, ngx.re, ngx.shared, ngx.config and get_phase(), which says
-- "init". Time goes on by itself.
--
-- Follows ngx_http_lua_get_task_ctx and ngx_http_lua_run_worker_thread.

local clib = require "resty_py.clib"
local clock = require "resty_py.clock"
local constants = require "resty_py.api.constants"
local copy = require "resty_py.thread.copy"
local native = require "resty_py.native"
local settings = require "resty_py.settings"

local error = error
local ipairs = ipairs
local pack = copy.pack
local pcall = pcall
local rawget = rawget
local require = require
local setmetatable = setmetatable
local time = require "resty_py.api.time"
local type = type
local unpack = copy.unpack

local FILES = {"codec", "re", "shared"}

local _M = {}


-- Lets whoever reads the clock read what time it is.
local function let_time_go_on()
    clock.mono, clock.wall = nil, nil
    setmetatable(clock, {__index = function(_, name)
        clock.refresh()
        local value = rawget(clock, name)
        clock.mono, clock.wall = nil, nil
        return value
    end})
end


-- The functions that tell the time: there is nothing to update.
local function install_time(ngx)
    local idle = {refresh = function() end}
    time.install(ngx, setmetatable(idle, {__index = clock}))
end


local function get_phase()
    return "init"
end


-- Lets the runtime's modules that need the worker's loop say that they do.
local function name_what_is_missing()
    setmetatable(native, {__index = function(_, name)
        error("this cannot run in a thread of ngx.run_worker_thread: it needs "
              .. "the worker's own " .. name, 2)
    end})
end


function _M.start(path, cpath, given)
    local ngx = {}
    package.path, package.cpath = path, cpath
    let_time_go_on()
    settings.main = given
    constants.install(ngx)
    for _, name in ipairs(FILES) do
        require("resty_py.api." .. name).install(ngx)
    end
    install_time(ngx)
    ngx.get_phase = get_phase
    ngx.config = require("resty_py.api.config").table()
    _G.ngx = ngx
    package.loaded.ngx = ngx
    clib.install()
    name_what_is_missing()
end


-- Returns the function | nil, why there is none.
local function find(module, name)
    local ok, found = pcall(require, module)
    if not ok then
        return nil, found
    elseif type(found) ~= "table" then
        return nil, "invalid lua module"
    elseif type(found[name]) ~= "function" then
        return nil, "invalid function"
    end
    return found[name]
end


-- Texts and numbers cross to whoever waits; any other error has no text.
local function as_text(err)
    local kind = type(err)
    return (kind == "string" or kind == "number") and err .. "" or ""
end


-- Returns true, the results as a string | false, why there are none.
local function answer(ok, ...)
    if not ok then
        return false, as_text((...))
    end
    local results, err = pack(...)
    if not results then
        return false, err .. " in the return value"
    end
    return true, results
end


-- arguments: a string of copy.pack, or nil with what is to be said of them
function _M.run(module, name, arguments, complaint)
    local f, err = find(module, name)
    if not f then
        return false, as_text(err)
    elseif not arguments then
        return false, complaint
    end
    return answer(pcall(f, unpack(arguments)))
end


return _M
