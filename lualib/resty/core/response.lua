-- resty.core.response: the response API, which the runtime has installed.
--
--   set_resp_header(_, name, value, no_override)
--                           ngx.header[name] = value; with no_override
--                           add_header of ngx.resp
--   set_resp_status(status, reason), bypass_if_checks()
--                           those of ngx.resp

local base = require "resty.core.base"
local resp = require "resty_py.api.resp"

return {
    version = base.version,
    bypass_if_checks = resp.bypass_if_checks,
    set_resp_header = resp.set_header,
    set_resp_status = resp.set_status,
}
