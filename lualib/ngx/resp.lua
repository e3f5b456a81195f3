-- ngx.resp: the response beyond ngx.header and ngx.status.
--
--   add_header(name, value)      a header beside those of the same name
--   set_status(status, reason)   a status line with a phrase of one's own
--   bypass_if_checks()           no 304 and no 412, whatever is asked for
--
-- Follows lua-resty-core's module of this name.

local resp = require "resty_py.api.resp"

local set_header = resp.set_header

local _M = {
    version = require "resty.core.base".version,
    bypass_if_checks = resp.bypass_if_checks,
    set_status = resp.set_status,
}


function _M.add_header(name, value)
    return set_header(nil, name, value, true)
end


return _M
