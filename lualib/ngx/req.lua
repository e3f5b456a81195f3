-- ngx.req: request headers beside those of the same name.
--
--   add_header(name, value)   value: a string, or an array of them, not empty
--
-- Follows lua-resty-core's module of this name.

local req_headers = require "resty_py.api.req_headers"

return {
    version = require "resty.core.base".version,
    add_header = req_headers.add_header,
}
