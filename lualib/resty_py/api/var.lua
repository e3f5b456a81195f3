-- ngx.var: nginx's variables.
--
-- Follows resty.core.var.

local phases = require "resty_py.request.phases"
local scalar = require "resty_py.api.scalar"
local variables = require "resty_py.request.variables"

local any = scalar.any
local capture = variables.capture
local client = phases.client
local error = error
local get = variables.get
local lower = string.lower
local set = variables.set
local setmetatable = setmetatable
local type = type

local _M = {}


local function index(_, name)
    local r = client()
    if type(name) == "string" then
        return get(r, name)
    elseif type(name) ~= "number" then
        error("bad variable name", 2)
    end
    return capture(r, name)
end


local function newindex(_, name, value)
    local r = client()
    if type(name) ~= "string" then
        error("bad variable name", 2)
    end
    local ok, err = set(r, lower(name), value ~= nil and any(value) or nil)
    if not ok then
        error(err, 2)
    end
end


function _M.install(ngx)
    ngx.var = setmetatable({}, {__index = index, __newindex = newindex})
end


return _M
