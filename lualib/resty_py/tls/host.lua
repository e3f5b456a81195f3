-- OpenSSL's objects as userdata: the half of resty_py.tls for flavours without
-- FFI.

local native = require "resty_py.native"

local getmetatable = getmetatable
local newproxy = newproxy
local setmetatable = setmetatable
local type = type

local tls = native.tls

-- Objects -> their addresses and their kinds.
local pointers = setmetatable({}, {__mode = "k"})
local kinds = setmetatable({}, {__mode = "k"})

local _M = {KIND = "userdata"}


local function keep(object, pointer, kind)
    pointers[object], kinds[object] = pointer, kind
    return object
end


function _M.lend(pointer, kind)
    return keep(newproxy(), pointer, kind)
end


local FREE = {session = tls.free_session, key = tls.free_priv_key,
              certificates = tls.free_cert}


function _M.own(pointer, kind, before)
    local object, free = newproxy(true), FREE[kind]
    getmetatable(object).__gc = function(self)
        -- Another finalizer may still have it.
        kinds[self] = nil
        if before then
            before(pointer)
        end
        free(pointer)
    end
    return keep(object, pointer, kind)
end


function _M.pointer(object, kind)
    if kinds[object] ~= kind then
        return nil, kinds[object] or type(object)
    end
    return pointers[object]
end


return _M
