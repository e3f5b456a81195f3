-- ngx.base64: base64 for URLs, without padding.
--
--   encode_base64url(s)   text | nil, "must provide a string"
--   decode_base64url(s)   bytes | nil, "invalid input"
--                         | nil, "must provide a string"
--
-- Follows lua-resty-core's module of this name.

local base64 = require "resty_py.codec.base64"

local decode_url = base64.decode_url
local encode_url = base64.encode_url
local type = type

local _M = {version = "0.1.25"}


function _M.encode_base64url(s)
    if type(s) ~= "string" then
        return nil, "must provide a string"
    end
    return encode_url(s)
end


function _M.decode_base64url(s)
    if type(s) ~= "string" then
        return nil, "must provide a string"
    end
    local bytes = decode_url(s)
    if not bytes then
        return nil, "invalid input"
    end
    return bytes
end


return _M
