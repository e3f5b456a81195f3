-- ngx.ctx: a table of the user's own per request or timer.
--
-- Follows resty.core.ctx.

local magic = require "resty_py.api.magic"
local phases = require "resty_py.request.phases"

local current = phases.request
local error = error
local type = type

local _M = {}


local function get()
    local r = current()
    local ctx = r.ctx
    if not ctx then
        ctx = {}
        r.ctx = ctx
    end
    return ctx
end


local function set(ctx)
    local r = current()
    if type(ctx) ~= "table" then
        error("ctx should be a table while getting a " .. type(ctx), 2)
    end
    r.ctx = ctx
end


function _M.install()
    magic.getter("ctx", get)
    magic.setter("ctx", set)
end


return _M
