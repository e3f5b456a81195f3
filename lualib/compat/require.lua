-- require, package.loaders and package.searchpath.
--
-- Stock require is a C function, so nothing can yield while a module's main
-- chunk runs under it. This one is Lua. It keeps 5.1's ways: package.loaders
-- is the list of searchers (package.searchers is the same table), a module
-- being loaded, or whose loading failed, is marked in package.loaded, and
-- error texts are 5.1's. From 5.2 on a searcher may answer a second value,
-- which the loader gets after the module's name; for a file it is the path.
-- 5.1's loader gets the name alone, for old modules say `module(...)`.
--
-- Looked up at each call, so that users and the runtime may replace them:
-- package.path, cpath, preload, loaders, searchers and loadlib.

local shim = ...

local concat = table.concat
local error = error
local gmatch = string.gmatch
local gsub = string.gsub
local io = io
local ipairs = ipairs
local loadfile = loadfile
local match = string.match
local package = package
local rawequal = rawequal
local sub = string.sub
local tostring = tostring
local type = type

local loaded = package.loaded

-- In package.loaded: being loaded, or failed to. Not a table, which module()
-- would take for the module.
local function LOADING()
    error("this module is being loaded, or has failed to")
end

-- As each version's own require.
local PASSES_EXTRA = _VERSION ~= "Lua 5.1"


local function is_readable(file)
    local handle = io.open(file, "r")
    if handle then
        handle:close()
    end
    return handle
end


local function replace_plain(text, old, new)
    if old == "" then
        return text
    end
    return (gsub(text, gsub(old, "%p", "%%%0"), (gsub(new, "%%", "%%%%"))))
end


if not package.searchpath then
    function package.searchpath(name, path, separator, replacement)
        name = replace_plain(name, separator or ".", replacement or "/")
        local tried = {}
        for template in gmatch(path, "[^;]+") do
            local file = replace_plain(template, "?", name)
            if is_readable(file) then
                return file
            end
            tried[#tried + 1] = "\n\tno file '" .. file .. "'"
        end
        return nil, concat(tried)
    end
end

local searchpath = package.searchpath


local function find_file(name, field)
    local path = package[field]
    if type(path) ~= "string" then
        error("'package." .. field .. "' must be a string", 0)
    end
    return searchpath(name, path)
end


local function fail_to_load(name, file, problem)
    error("error loading module '" .. name .. "' from file '" .. file
          .. "':\n\t" .. tostring(problem), 0)
end


local function search_preload(name)
    local preload = package.preload
    if type(preload) ~= "table" then
        error("'package.preload' must be a table", 0)
    end
    local loader = preload[name]
    if loader == nil then
        return "\n\tno field package.preload['" .. name .. "']"
    end
    return loader
end


local function search_lua(name)
    local file, tried = find_file(name, "path")
    if not file then
        return tried
    end
    local chunk, problem = loadfile(file)
    if not chunk then
        fail_to_load(name, file, problem)
    end
    return chunk, file
end


-- A C module "v1-a.b" has the function luaopen_a_b: what stands before the
-- hyphen is a version mark.
local function open_library(file, name)
    local unmarked = match(name, "^[^-]*%-(.*)$") or name
    return package.loadlib(file, "luaopen_" .. gsub(unmarked, "%.", "_"))
end


local function search_c(name)
    local file, tried = find_file(name, "cpath")
    if not file then
        return tried
    end
    local loader, problem = open_library(file, name)
    if not loader then
        fail_to_load(name, file, problem)
    end
    return loader, file
end


-- Looks for "a.b" as a function of the library of "a".
local function search_c_root(name)
    local root = match(name, "^([^.]*)%.")
    if not root then
        return nil
    end
    local file, tried = find_file(root, "cpath")
    if not file then
        return tried
    end
    local loader, problem, what = open_library(file, name)
    if loader then
        return loader, file
    elseif what ~= "init" then
        fail_to_load(name, file, problem)
    end
    return "\n\tno module '" .. name .. "' in file '" .. file .. "'"
end


local searchers = package.loaders or package.searchers
package.loaders = searchers
package.searchers = searchers
for index, searcher in ipairs {search_preload, search_lua, search_c,
                               search_c_root} do
    searchers[index] = searcher
end


-- The list in force: the user may have replaced either name's table.
local function current_searchers()
    local current = package.loaders
    if rawequal(current, searchers) then
        current = package.searchers
    end
    if type(current) ~= "table" then
        error("'package.loaders' must be a table", 0)
    end
    return current
end


-- 5.4's own searchers leave the start of the line to require.
local function as_line(message)
    return sub(message, 1, 1) == "\n" and message or "\n\t" .. message
end


local function find_loader(name)
    local tried = {}
    local list = current_searchers()
    local index = 1
    while list[index] ~= nil do
        local loader, extra = list[index](name)
        if type(loader) == "function" then
            return loader, extra
        elseif type(loader) == "string" then
            tried[#tried + 1] = as_line(loader)
        end
        index = index + 1
    end
    return nil, concat(tried)
end


local function run(loader, name, extra)
    if PASSES_EXTRA then
        return (loader(name, extra))
    end
    return (loader(name))
end


function _G.require(name)
    local module = loaded[name]
    if module then
        if rawequal(module, LOADING) then
            error("loop or previous error loading module '" .. name .. "'", 2)
        end
        return module
    end
    shim.expect(name, "string", 1)
    local loader, extra = find_loader(name)
    if not loader then
        error("module '" .. name .. "' not found:" .. extra, 2)
    end
    loaded[name] = LOADING
    local result = run(loader, name, extra)
    if result ~= nil then
        loaded[name] = result
    elseif rawequal(loaded[name], LOADING) then
        loaded[name] = true
    end
    return loaded[name]
end
