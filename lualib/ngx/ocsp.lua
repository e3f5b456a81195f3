-- ngx.ocsp: requests for the status of a certificate, and what comes of them.
--
-- A chain is certificates in DER, one after another: the one asked about and
-- its issuer.
--
-- Follows lua-resty-core's ngx.ocsp and ngx_http_lua_ssl_ocsp.c.

local base = require "resty.core.base"
local check = require "resty_py.tls.check"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local create = native.tls.create_request
local error = error
local format = string.format
local responder = native.tls.responder
local sub = string.sub
local validate = native.tls.validate_response

local _M = {version = base.version}


-- Returns the URL of the OCSP responder, "truncated" where it is longer than
-- `max` bytes | nil where the certificate names none | nil, err.
function _M.get_ocsp_responder_from_der_chain(chain, max)
    check("get_ocsp_responder_from_der_chain", 1, chain, "string")
    local url, err = responder(chain)
    if not url then
        return nil, err
    end
    max = max or base.get_string_buf_size()
    if #url > max then
        return sub(url, 1, max), "truncated"
    end
    return url
end


-- Returns a request to send to the responder | nil, err.
function _M.create_ocsp_request(chain, max)
    check("create_ocsp_request", 1, chain, "string")
    local request, err = create(chain)
    if not request then
        return nil, err
    end
    max = max or base.get_string_buf_size()
    if #request > max then
        return nil, format("output buffer too small: %d > %d", #request, max)
    end
    return request
end


-- Returns true where the responder says that the certificate is good | nil,
-- err, of at most `max` bytes.
function _M.validate_ocsp_response(response, chain, max)
    check("validate_ocsp_response", 1, response, "string")
    check("validate_ocsp_response", 2, chain, "string")
    local ok, err = validate(response, chain)
    if not ok then
        return nil, sub(err, 1, max or base.get_string_buf_size())
    end
    return true
end


-- Lets the client's handshake carry an OCSP response.
-- Returns true | true, "no status req" | nil, err.
function _M.set_ocsp_status_resp(response)
    check("set_ocsp_status_resp", 1, response, "string")
    local thread = scheduler.current
    if not thread then
        error("no request found", 2)
    end
    local r = thread.request
    local ssl = r.connection and r.connection.ssl
    if not ssl then
        return nil, "bad request"
    end
    local ok, err = native.tls.set_ocsp_status(ssl, response)
    if ok then
        return true
    elseif err then
        return nil, err
    end
    return true, "no status req"
end


return _M
