-- thread.exdata and thread.exdata2: luajit2's value per coroutine.
--
--   require("thread.exdata")()        returns the running coroutine's value
--   require("thread.exdata")(value)   sets it
--
-- A coroutine is born with the value of the one that creates it. luajit2
-- holds a C pointer and answers a NULL pointer for none; here any value can
-- be held, and none is nil (a NULL pointer where there is FFI). Keys are weak,
-- but a value that refers to its own coroutine keeps it alive on 5.1 and
-- LuaJIT.
--
-- Until a value is set, coroutine.create and wrap cost one test more.

local shim = ...

local preload = package.preload

local coroutine = coroutine
local create = coroutine.create
local ipairs = ipairs
local pairs = pairs
local require = require
local running = shim.running
local select = select
local setmetatable = setmetatable
local type = type
local wrap = coroutine.wrap

-- The key of the main thread where it has no object.
local MAIN = {}

-- Stores with a value in them: each coroutine -> value, weak keys.
local stores = {}
local is_used = false


local function inherit(parent, child)
    for _, store in pairs(stores) do
        store[child] = store[parent]
    end
end


local function null()
    if preload.ffi then
        return require("ffi").cast("void *", nil)
    end
end


local function new_exdata(name)
    local store = setmetatable({}, {__mode = "k"})
    local none = null()

    return function(...)
        local co = running() or MAIN
        if select("#", ...) == 0 then
            local value = store[co]
            if value == nil then
                return none
            end
            return value
        end
        store[co] = (...)
        stores[name] = store
        is_used = true
    end
end


for _, name in ipairs {"thread.exdata", "thread.exdata2"} do
    preload[name] = function()
        return new_exdata(name)
    end
end


function coroutine.create(f)
    if type(f) ~= "function" then
        shim.expect(f, "function", 1)
    end
    local co = create(f)
    if is_used then
        inherit(running() or MAIN, co)
    end
    return co
end


function coroutine.wrap(f)
    if type(f) ~= "function" then
        shim.expect(f, "function", 1)
    end
    if not is_used then
        return wrap(f)
    end
    local parent = running() or MAIN
    local values = {}
    for name, store in pairs(stores) do
        values[name] = store[parent]
    end
    return wrap(function(...)
        for name, value in pairs(values) do
            stores[name][running()] = value
        end
        return f(...)
    end)
end
