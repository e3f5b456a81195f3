-- OpenSSL's objects as cdata: the half of resty_py.tls for LuaJIT.
--
-- The C names are private aliases (resty_py_*), so that a library's own
-- `ffi.cdef` cannot clash. An address is a number of at most 47 bits, which a
-- double holds.

local ffi = require "ffi"
local native = require "resty_py.native"

local cast = ffi.cast
local gc = ffi.gc
local pcall = pcall
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring
local type = type
local typeof = ffi.typeof

ffi.cdef [[
void resty_py_session_free(void *) __asm__("SSL_SESSION_free");
void resty_py_key_free(void *) __asm__("EVP_PKEY_free");
void resty_py_x509_free(void *) __asm__("X509_free");
void resty_py_stack_free(void *, void (*)(void *))
    __asm__("OPENSSL_sk_pop_free");
]]

local _M = {KIND = "cdata"}

-- Objects of ours -> their kinds.
local kinds = setmetatable({}, {__mode = "k"})

local Pointer = typeof("const void *")


-- Returns what frees an object of each kind.
local function load()
    local C = ffi.load((native.tls.libraries()))
    return {
        session = C.resty_py_session_free,
        key = C.resty_py_key_free,
        certificates = function(object)
            C.resty_py_stack_free(object, C.resty_py_x509_free)
        end,
    }
end


local free_of


function _M.own(pointer, kind, before)
    free_of = free_of or load()
    local free = free_of[kind]
    local object = gc(cast("void *", pointer), before and function(object)
        before(pointer)
        free(object)
    end or free)
    kinds[object] = kind
    return object
end


function _M.lend(pointer, kind)
    local object = cast("void *", pointer)
    kinds[object] = kind
    return object
end


-- What a library has made is of the kind that it says.
function _M.pointer(object, kind)
    if type(object) ~= "cdata" then
        return nil, type(object)
    elseif (kinds[object] or kind) ~= kind then
        return nil, kinds[object]
    end
    local ok, pointer = pcall(Pointer, object)
    if not ok then
        return nil, tostring(typeof(object))
    end
    return tonumber(cast("uintptr_t", pointer))
end


return _M
