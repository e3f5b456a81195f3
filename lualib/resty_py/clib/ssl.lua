-- The C functions behind ngx.ssl that libraries call by ffi.C, in Lua.
--
-- They take and return what the C functions do: pointers and sizes; NGX_OK or
-- NGX_ERROR, whose text is at errmsg[0]; the number of bytes written. The
-- request that they are given is the one that runs.
--
-- Follows ngx_http_lua_ssl_certby.c.

local ffi = require "ffi"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local cast = ffi.cast
local copy = ffi.copy
local text_of = ffi.string
local setmetatable = setmetatable
local tls = native.tls
local tonumber = tonumber

local OK, ERROR = 0, -1
local NOTHING = ffi.new("void *")

local _M = {}

-- The texts that errmsg points to: a C string lives as long as its Lua string.
local texts = setmetatable({}, {__index = function(self, text)
    self[text] = text
    return text
end})


local function refuse(errmsg, text)
    errmsg[0] = cast("char *", texts[text])
    return ERROR
end


local function address(pointer)
    return tonumber(cast("uintptr_t", pointer))
end


local function current()
    local r = scheduler.current and scheduler.current.request
    return r and r.connection and r.connection.ssl
end


-- What a function of the host makes of the client's connection.
local function apply(errmsg, f, ...)
    local ssl = current()
    if not ssl then
        return refuse(errmsg, "bad request")
    end
    local ok, err = f(ssl, ...)
    return ok and OK or refuse(errmsg, err)
end


-- Writes what a parser of the host has made; returns its size.
local function write(target, errmsg, data, err)
    if not data then
        return refuse(errmsg, err)
    end
    copy(target, data, #data)
    return #data
end


local function pointer_or_nothing(errmsg, found, err)
    if not found then
        refuse(errmsg, err)
        return NOTHING
    end
    return cast("void *", found)
end


function _M.ngx_http_lua_ffi_cert_pem_to_der(pem, size, der, errmsg)
    return write(der, errmsg, tls.cert_pem_to_der(text_of(pem, size)))
end


function _M.ngx_http_lua_ffi_priv_key_pem_to_der(pem, size, passphrase, der,
                                                 errmsg)
    return write(der, errmsg, tls.priv_key_pem_to_der(
        text_of(pem, size), passphrase ~= nil and text_of(passphrase) or nil))
end


function _M.ngx_http_lua_ffi_parse_pem_cert(pem, size, errmsg)
    return pointer_or_nothing(errmsg, tls.parse_pem_cert(text_of(pem, size)))
end


function _M.ngx_http_lua_ffi_parse_pem_priv_key(pem, size, errmsg)
    return pointer_or_nothing(errmsg,
                              tls.parse_pem_priv_key(text_of(pem, size)))
end


function _M.ngx_http_lua_ffi_free_cert(chain)
    tls.free_cert(address(chain))
end


function _M.ngx_http_lua_ffi_free_priv_key(key)
    tls.free_priv_key(address(key))
end


function _M.ngx_http_lua_ffi_ssl_clear_certs(_, errmsg)
    return apply(errmsg, tls.clear_certs)
end


function _M.ngx_http_lua_ffi_ssl_set_der_certificate(_, data, size, errmsg)
    return apply(errmsg, tls.set_der_cert, text_of(data, size))
end


function _M.ngx_http_lua_ffi_ssl_set_der_private_key(_, data, size, errmsg)
    return apply(errmsg, tls.set_der_priv_key, text_of(data, size))
end


function _M.ngx_http_lua_ffi_set_cert(_, chain, errmsg)
    return apply(errmsg, tls.set_cert, address(chain))
end


function _M.ngx_http_lua_ffi_set_priv_key(_, key, errmsg)
    return apply(errmsg, tls.set_priv_key, address(key))
end


function _M.ngx_http_lua_ffi_ssl_verify_client(_, chain, depth, errmsg)
    return apply(errmsg, tls.verify_client, address(chain), depth)
end


function _M.ngx_http_lua_ffi_get_req_ssl_pointer()
    return cast("void *", current() or 0)
end


return _M
