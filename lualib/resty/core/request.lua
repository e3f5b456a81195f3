-- resty.core.request: the request API, which the runtime has installed.
--
--   set_req_header(name, value, override)   ngx.req.set_header with override,
--                                           add_header of ngx.req without

local base = require "resty.core.base"
local req_headers = require "resty_py.api.req_headers"

local add_header = req_headers.add_header
local set_header = req_headers.set_header

local _M = {version = base.version}


function _M.set_req_header(name, value, override)
    if override then
        return set_header(name, value)
    end
    return add_header(name, value)
end


return _M
