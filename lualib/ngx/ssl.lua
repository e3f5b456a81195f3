-- ngx.ssl: certificates and keys, and the client's TLS connection.
--
-- Chains and keys that are parsed are cdata on LuaJIT, userdata elsewhere;
-- OpenSSL's memory behind them is freed with them.
--
-- Follows lua-resty-core's ngx.ssl and ngx_http_lua_ssl_certby.c.

local address = require "resty_py.net.address"
local base = require "resty.core.base"
local check = require "resty_py.tls.check"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local tls = require "resty_py.tls"

local error = error
local format = string.format

local cert_pem_to_der = native.tls.cert_pem_to_der
local own = tls.own
local priv_key_pem_to_der = native.tls.priv_key_pem_to_der

local _M = {
    version = base.version,
    SSL3_VERSION = 0x0300,
    TLS1_VERSION = 0x0301,
    TLS1_1_VERSION = 0x0302,
    TLS1_2_VERSION = 0x0303,
    TLS1_3_VERSION = 0x0304,
}


-- Parsing --------------------------------------------------------------------


-- Returns certificates in PEM as DER, one after another | nil, err.
function _M.cert_pem_to_der(pem)
    check("cert_pem_to_der", 1, pem, "string")
    return cert_pem_to_der(pem)
end


-- Returns a private key in PEM, encrypted or not, as DER | nil, err.
function _M.priv_key_pem_to_der(pem, passphrase)
    check("priv_key_pem_to_der", 1, pem, "string")
    if passphrase ~= nil then
        check("priv_key_pem_to_der", 2, passphrase, "string")
    end
    return priv_key_pem_to_der(pem, passphrase)
end


-- Returns a function (text) -> what one of the host's parsers makes of it, an
-- object of that kind | nil, err.
local function parser(name, kind)
    local parse = native.tls[name]
    return function(text)
        check(name, 1, text, "string")
        local pointer, err = parse(text)
        if not pointer then
            return nil, err
        end
        return own(pointer, kind)
    end
end


_M.parse_pem_cert = parser("parse_pem_cert", "certificates")
_M.parse_der_cert = parser("parse_der_cert", "certificates")
_M.parse_pem_priv_key = parser("parse_pem_priv_key", "key")
_M.parse_der_priv_key = parser("parse_der_priv_key", "key")


-- The client's connection ----------------------------------------------------


local ADDRESS_TYPES = {[0] = "unix", [4] = "inet", [6] = "inet6"}

local VERSION_NAMES = {
    [_M.SSL3_VERSION] = "SSLv3",
    [_M.TLS1_VERSION] = "TLSv1",
    [_M.TLS1_1_VERSION] = "TLSv1.1",
    [_M.TLS1_2_VERSION] = "TLSv1.2",
    [_M.TLS1_3_VERSION] = "TLSv1.3",
}


-- Returns the request or handshake, and its `SSL *` | nil, "bad request".
local function client()
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    local r = thread.request
    local ssl = r.connection and r.connection.ssl
    if not ssl then
        return nil, "bad request"
    end
    return r, ssl
end


-- Returns true | nil, err: what a function of the host makes of the client's
-- connection.
local function apply(f, ...)
    local r, ssl = client()
    if not r then
        return nil, ssl
    end
    local ok, err = f(ssl, ...)
    if not ok then
        return nil, err
    end
    return true
end


-- Forgets the certificates of the configuration. Returns true | nil, err.
function _M.clear_certs()
    return apply(native.tls.clear_certs)
end


-- data: DER, the chain behind the certificate. Returns true | nil, err.
function _M.set_der_cert(data)
    check("set_der_cert", 1, data, "string")
    return apply(native.tls.set_der_cert, data)
end


-- data: DER. Returns true | nil, err.
function _M.set_der_priv_key(data)
    check("set_der_priv_key", 1, data, "string")
    return apply(native.tls.set_der_priv_key, data)
end


-- An error unless `object` is one of parse_…() of that kind, or nil; its
-- address, 0 for nil.
local function check_object(name, object, kind)
    if object == nil then
        return 0
    end
    local pointer, found = tls.pointer(object, kind)
    if not pointer then
        error(format("bad argument #1 to '%s' (%s expected, got %s)", name,
                     tls.KIND, found), 3)
    end
    return pointer
end


-- cert: of parse_pem_cert. Returns true | nil, err.
function _M.set_cert(cert)
    return apply(native.tls.set_cert,
                 check_object("set_cert", cert, "certificates"))
end


-- key: of parse_pem_priv_key. Returns true | nil, err.
function _M.set_priv_key(key)
    return apply(native.tls.set_priv_key,
                 check_object("set_priv_key", key, "key"))
end


-- Asks the client for a certificate.
--   authorities   of parse_pem_cert, or nil
--   depth         how long a chain may be, or nil
-- Returns true | nil, err.
function _M.verify_client(authorities, depth)
    local pointer = check_object("verify_client", authorities, "certificates")
    depth = depth or -1
    check("verify_client", 2, depth, "number")
    local thread = scheduler.current
    if thread and thread.request.phase ~= "ssl_cert" then
        return nil, "API disabled in the current context"
    end
    return apply(native.tls.verify_client, pointer, depth)
end


-- Returns the name in the client's hello | nil where there is none | nil, err.
function _M.server_name()
    local r, ssl = client()
    if not r then
        return nil, ssl
    end
    return (native.tls.variable(ssl, "server_name"))
end


-- Returns the port that the client has come to | nil, err.
function _M.server_port()
    local r, err = client()
    if not r then
        return nil, err
    end
    local _, port = native.net["local"](r.connection.fd)
    if not port then
        return nil, "unix domain has no port"
    end
    return port
end


-- Returns the address that the client has come to: bytes or a path, and
-- "inet", "inet6" or "unix" | nil, nil, err.
function _M.raw_server_addr()
    local r, err = client()
    if not r then
        return nil, nil, err
    end
    local binary, family = native.net.raw_local(r.connection.fd)
    return binary, ADDRESS_TYPES[family]
end


-- The same for the client's own.
function _M.raw_client_addr()
    local r, err = client()
    if not r then
        return nil, nil, err
    end
    local parsed = address.parse(r.downstream.address)
    return parsed.family == 0 and "" or parsed.binary,
        ADDRESS_TYPES[parsed.family]
end


-- Returns the version of the protocol, such as TLS1_2_VERSION | nil, err.
function _M.get_tls1_version()
    local r, ssl = client()
    if not r then
        return nil, ssl
    end
    local _, number = native.tls.version(ssl)
    return number
end


-- Returns the version of the protocol, such as "TLSv1.2" | nil, err.
function _M.get_tls1_version_str()
    local number, err = _M.get_tls1_version()
    if not number then
        return nil, err
    end
    local name = VERSION_NAMES[number]
    if not name then
        return nil, "unknown version"
    end
    return name
end


-- Returns the `SSL *` of the client's connection | nil, err.
function _M.get_req_ssl_pointer()
    local r, ssl = client()
    if not r then
        return nil, ssl
    end
    return tls.lend(ssl, "connection")
end


return _M
