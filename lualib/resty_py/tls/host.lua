-- OpenSSL's objects as userdata: the half of resty_py.tls for flavours without
-- FFI.

local native = require "resty_py.native"

local getmetatable = getmetatable
local newproxy = newproxy
local setmetatable = setmetatable

local tls = native.tls

-- Objects -> their addresses.
local pointers = setmetatable({}, {__mode = "k"})

local _M = {KIND = "userdata"}


function _M.lend(pointer)
    local object = newproxy()
    pointers[object] = pointer
    return object
end


local FREE = {session = tls.free_session, key = tls.free_priv_key,
              certificates = tls.free_cert}


function _M.own(pointer, kind, before)
    local object, free = newproxy(true), FREE[kind]
    getmetatable(object).__gc = function()
        if before then
            before(pointer)
        end
        free(pointer)
    end
    pointers[object] = pointer
    return object
end


function _M.pointer(object)
    return pointers[object]
end


return _M
