-- tablepool: tables that are used again.
--
--   fetch(name, arrays, hashes)   a table of the pool, a new one if it is empty
--   release(name, t, keep)        gives one back; emptied, unless `keep`
--
-- Follows lua-tablepool: a pool holds 200 tables at most.

local clear = require "table.clear"
local error = error
local new = require "table.new"
local setmetatable = setmetatable

-- Tables that a pool holds at most.
local MAX_SIZE = 200

local pools = {}

local _M = {_VERSION = "0.03"}


function _M.fetch(name, arrays, hashes)
    local pool = pools[name]
    local size = pool and pool.size or 0
    if size == 0 then
        return new(arrays, hashes)
    end
    local t = pool[size]
    pool[size] = false
    pool.size = size - 1
    return t
end


function _M.release(name, t, keep)
    if not t then
        error("object empty", 2)
    end
    local pool = pools[name]
    if not pool then
        pool = {size = 0}
        pools[name] = pool
    end
    if not keep then
        setmetatable(t, nil)
        clear(t)
    end
    if pool.size < MAX_SIZE then
        pool.size = pool.size + 1
        pool[pool.size] = t
    end
end


return _M
