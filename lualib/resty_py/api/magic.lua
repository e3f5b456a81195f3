-- Fields of the ngx table that are computed: ngx.ctx, ngx.status, …
--
--   getter(name, f)   ngx.NAME is f()
--   setter(name, f)   ngx.NAME = value calls f(value)
--   set(name, value)  ngx.NAME = value
--   install(ngx)      makes the table ngx work so
--
-- f is tail-called, so an error that it raises at level 2 blames the user's
-- line.
--
-- Follows resty.core.misc.

local rawset = rawset
local setmetatable = setmetatable

local getters = {}
local setters = {}

local _M = {}


function _M.getter(name, f)
    getters[name] = f
end


function _M.setter(name, f)
    setters[name] = f
end


function _M.set(name, value)
    return setters[name](value)
end


local function index(_, name)
    local get = getters[name]
    if get then
        return get()
    end
end


local function newindex(ngx, name, value)
    local set = setters[name]
    if set then
        return set(value)
    end
    rawset(ngx, name, value)
end


function _M.install(ngx)
    setmetatable(ngx, {__index = index, __newindex = newindex})
end


return _M
