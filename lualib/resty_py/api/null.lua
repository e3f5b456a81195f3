-- ngx.null: the light userdata NULL, the same value that compiled modules
-- (lua-cjson's null) push.
--
-- No flavour has a function for it. LuaJIT's string.buffer reads it from its
-- serialized form. Elsewhere the host is given the address of a coroutine,
-- which tostring() shows, and sets an upvalue of the coroutine's function by
-- Lua's own C API (resty_py/host/null.py). The host function is taken out of
-- reach after that: it trusts its argument.
--
-- Where neither works it is a userdata of this VM's own. One promise fails
-- then: the null of a compiled lua-cjson is another value.

local native = require "resty_py.native"

local assert = assert
local create = coroutine.create
local pcall = pcall
local tostring = tostring
local type = type

-- Tag of a NULL light userdata in string.buffer's serialization format.
local SERIALIZED_NULL = "\3"

local set_upvalue = native.null and native.null.set_upvalue
native.null = nil


local function from_string_buffer()
    local has_buffer, buffer = pcall(require, "string.buffer")
    return has_buffer and buffer.decode(SERIALIZED_NULL)
end


local function from_host()
    local null = false
    local owner = create(function() return null end)
    if set_upvalue then
        set_upvalue(tostring(owner))
    end
    return null
end


local function substitute()
    if newproxy then
        return newproxy()
    end
    -- The address of an upvalue is a light userdata. The function is kept,
    -- so that no other upvalue comes to have the address.
    local function owner() return native end
    local id = debug.upvalueid(owner, 1)
    debug.getregistry()[id] = owner
    return id
end


local null = from_string_buffer() or from_host() or substitute()
assert(type(null) == "userdata")

return null
