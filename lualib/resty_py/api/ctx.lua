-- ngx.ctx: a table of the user's own per request or timer.
--
-- Follows resty.core.ctx.

local log = require "resty_py.log"
local magic = require "resty_py.api.magic"
local phases = require "resty_py.request.phases"

local current = phases.request
local debugs = log.debugs
local error = error
local hold = require "resty_py.request".hold
local setmetatable = setmetatable
local type = type

local _M = {}


-- Stands for a table among what a request releases at its end, where debug
-- lines tell of it.
local Reference = {}
Reference.__index = Reference

local last_reference = 0


function Reference:release()
    log.debug(nil, "lua release ngx.ctx at ref " .. self.number)
end


local function refer(r)
    last_reference = last_reference + 1
    hold(r.main or r, setmetatable({number = last_reference}, Reference))
end


-- What handlers of the client's handshake have left is seen, not changed.
local function inherited(r)
    local downstream = r.downstream
    local outer = downstream and not r.is_handshake and downstream.ctx
    return outer and setmetatable({}, {__index = outer}) or {}
end


local function get()
    local r = current()
    local ctx = r.ctx
    if not ctx then
        ctx = inherited(r)
        r.ctx = ctx
        if debugs(r) then
            refer(r)
        end
    end
    return ctx
end


local function set(ctx)
    local r = current()
    if type(ctx) ~= "table" then
        error("ctx should be a table while getting a " .. type(ctx), 2)
    end
    if debugs(r) and not r.ctx then
        refer(r)
    end
    r.ctx = ctx
end


function _M.install()
    magic.getter("ctx", get)
    magic.setter("ctx", set)
end


return _M
