-- ngx.ssl.clienthello: the client's hello, in ssl_client_hello_by_lua.
--
-- Follows lua-resty-core's ngx.ssl.clienthello and
-- ngx_http_lua_ssl_client_helloby.c.

local base = require "resty.core.base"
local check = require "resty_py.tls.check"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local byte = string.byte
local error = error
local ipairs = ipairs
local pairs = pairs
local sub = string.sub
local tls = native.tls

-- Types of extensions.
local SERVER_NAME, SUPPORTED_VERSIONS = 0, 43
local HOST_NAME = 0

local BAD_EXTENSION = "Bad SSL Client Hello Extension"

local VERSIONS = {
    [0x002] = "SSLv2",
    [0x300] = "SSLv3",
    [0x301] = "TLSv1",
    [0x302] = "TLSv1.1",
    [0x303] = "TLSv1.2",
    [0x304] = "TLSv1.3",
}

-- SSL_OP_NO_*
local REFUSALS = {
    SSLv2 = 0,
    SSLv3 = 0x02000000,
    TLSv1 = 0x04000000,
    ["TLSv1.1"] = 0x10000000,
    ["TLSv1.2"] = 0x08000000,
    ["TLSv1.3"] = 0x20000000,
}

local _M = {version = base.version}


-- Returns the `SSL *` whose hello is handled; an error where there is none.
local function current()
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    local r = thread.request
    if r.phase ~= "ssl_client_hello" then
        error("API disabled in the current context", 3)
    end
    return r.connection.ssl
end


local function word(text, at)
    return byte(text, at) * 256 + byte(text, at + 1)
end


-- Returns the name that the client asks for | nil where there is none
-- | nil, err.
function _M.get_client_hello_server_name()
    local list = tls.hello_extension(current(), SERVER_NAME)
    if not list then
        return nil
    elseif #list <= 5 or word(list, 1) + 2 ~= #list
        or byte(list, 3) ~= HOST_NAME or word(list, 4) + 5 > #list
    then
        return nil, BAD_EXTENSION
    end
    return sub(list, 6, 5 + word(list, 4))
end


-- Returns the body of an extension, by its type | nil where there is none.
function _M.get_client_hello_ext(kind)
    local ssl = current()
    check("get_client_hello_ext", 1, kind, "number")
    return (tls.hello_extension(ssl, kind))
end


-- Returns the types of the extensions, in their order | nil where there are
-- none.
function _M.get_client_hello_ext_present()
    local kinds = {tls.hello_extensions(current())}
    return kinds[1] and kinds or nil
end


-- Returns the ciphers that the client offers, as numbers.
function _M.get_client_hello_ciphers()
    local raw = tls.hello_ciphers(current())
    local ciphers = {}
    for i = 1, #raw - 1, 2 do
        ciphers[#ciphers + 1] = word(raw, i)
    end
    return ciphers
end


-- Returns the versions that the client supports, the last one first | nil where
-- it does not say.
function _M.get_supported_versions()
    local list = tls.hello_extension(current(), SUPPORTED_VERSIONS)
    if not list or list == "" or byte(list) ~= #list - 1 then
        return nil
    end
    local versions = {}
    for i = #list - 1, 2, -2 do
        versions[#versions + 1] = VERSIONS[word(list, i)]
    end
    return versions
end


-- Lets the handshake use these versions alone.
-- Returns true | nil, err.
function _M.set_protocols(protocols)
    local ssl = current()
    local allowed = {}
    for _, name in ipairs(protocols) do
        if not REFUSALS[name] then
            return nil, "invalid protocols failed"
        end
        allowed[name] = true
    end
    local refused, all = 0, 0
    for name, refusal in pairs(REFUSALS) do
        all = all + refusal
        refused = refused + (allowed[name] and 0 or refusal)
    end
    tls.use_protocols(ssl, refused, all)
    return true
end


return _M
