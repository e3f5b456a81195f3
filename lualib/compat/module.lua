-- module and package.seeall for 5.2 and later, as 5.1 has them.
--
--   module(name [, option ...])
--       makes the table `name` (dots nest tables under _G), makes it the
--       environment of the calling function, hands it to each option, and
--       enters it in package.loaded
--   package.seeall(module)
--       lets the module read globals

local shim = ...

local _G = _G
local error = error
local getinfo = shim.getinfo
local getmetatable = getmetatable
local gmatch = string.gmatch
local ipairs = ipairs
local loaded = package.loaded
local match = string.match
local rawget = rawget
local setmetatable = setmetatable
local type = type


-- Returns the table at the dotted `name` under the globals, made where it is
-- missing; nil where something else has the name.
local function find_table(name)
    local place = _G
    for part in gmatch(name, "[^.]+") do
        local inner = rawget(place, part)
        if inner == nil then
            inner = {}
            place[part] = inner
        elseif type(inner) ~= "table" then
            return nil
        end
        place = inner
    end
    return place
end


local function name_module(module, name)
    module._M = module
    module._NAME = name
    module._PACKAGE = match(name, "^(.*%.)[^.]*$") or ""
end


function _G.module(name, ...)
    shim.expect(name, "string", 1)
    local caller = getinfo(2, "Sf")
    if not caller or caller.what == "C" then
        error("'module' not called from a Lua function", 2)
    end
    local module = loaded[name]
    if type(module) ~= "table" then
        module = find_table(name)
        if not module then
            error("name conflict for module '" .. name .. "'", 2)
        end
        loaded[name] = module
    end
    if module._NAME == nil then
        name_module(module, name)
    end
    shim.change_environment(caller.func, module)
    for _, option in ipairs {...} do
        -- `module(...)` in a file hands on the file's path too.
        if type(option) ~= "string" then
            option(module)
        end
    end
end


function package.seeall(module)
    shim.expect(module, "table", 1)
    local meta = getmetatable(module)
    if not meta then
        meta = {}
        setmetatable(module, meta)
    end
    meta.__index = _G
end
