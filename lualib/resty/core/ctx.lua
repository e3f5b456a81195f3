-- resty.core.ctx: ngx.ctx as a function.
--
--   get_ctx_table(new)   the request's table; `new`, a table, becomes it where
--                        there is none yet

local base = require "resty.core.base"
local phases = require "resty_py.request.phases"

local current = phases.request

local _M = {_VERSION = base.version}


function _M.get_ctx_table(new)
    local r = current()
    local ctx = r.ctx
    if not ctx then
        ctx = new or {}
        r.ctx = ctx
    end
    return ctx
end


return _M
