-- Who a client says that it is: the Authorization header of Basic.
--
--   credentials(r)   user and password | nil: it does not say
--
-- Follows ngx_http_auth_basic_user.

local base64 = require "resty_py.codec.base64"
local join = require "resty_py.request.headers".join

local match = string.match


return function(r)
    local value = join(r.head, "authorization", ", ")
    local encoded = value and match(value, "^[Bb][Aa][Ss][Ii][Cc] +(.+)$")
    local decoded = encoded and base64.decode(encoded)
    if decoded then
        return match(decoded, "^([^:]+):(.*)$")
    end
end
