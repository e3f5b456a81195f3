-- The first Lua code of every VM.
--
--   boot(host, lualib, path, cpath, defect)
--     host    table: namespace -> name -> guarded Python function
--     lualib  string: the directory of the runtime's Lua code
--     path    string: package.path
--     cpath   string: package.cpath
--     defect  string: first value of an answer that is to be raised
--
-- Turns the host functions into plain Lua functions (module
-- "resty_py.native": namespace -> name -> function), takes the `python`
-- table away, loads the shim, and sets the search paths and package.loadlib.
-- What Python may hand over is written in resty_py/vm/boundary.py.

local host, lualib, path, cpath, DEFECT = ...

local assert = assert
local error = error
local loadfile = loadfile
local pairs = pairs
local type = type
local as_function = _G.python.as_function


local function check(first, ...)
    if first == DEFECT then
        error((...), 0)
    end
    return first, ...
end


local function plain(host_function)
    local call = as_function(host_function)
    return function(...)
        return check(call(...))
    end
end


local function plain_namespace(functions)
    local namespace = {}
    for name, host_function in pairs(functions) do
        namespace[name] = plain(host_function)
    end
    return namespace
end


local native = {}
for name, functions in pairs(host) do
    native[name] = plain_namespace(functions)
end

-- A compiled module needs some help to find Lua in this process, and one of
-- another Lua would crash it (resty_py/vm/compiled.py).
local loadlib = package.loadlib
local prepare = native.compiled.prepare

function package.loadlib(file, name)
    if type(file) == "string" then
        local ok, err = prepare(file)
        if not ok then
            return nil, err, "open"
        end
    end
    return loadlib(file, name)
end


_G.python = nil
package.loaded.python = nil
package.loaded["resty_py.native"] = native
package.path = path
package.cpath = cpath

assert(loadfile(lualib .. "/compat/init.lua"))(lualib .. "/compat/")
