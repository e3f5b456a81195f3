-- Digests with the interface of lua-resty-string's: the twins of resty.md5,
-- resty.sha1 and their kin.
--
--   version     of lua-resty-string
--   new(name)   name: string, as hashlib calls it; returns the module:
--     new()              a digest object
--     obj:update(s, n)   adds s, its first n bytes if n is given; true
--     obj:final()        the digest of all since new() or reset()
--     obj:reset()        begins anew; true
--
-- The host digests what was collected, all at once (resty_py/host/digest.py).

local native = require "resty_py.native"

local concat = table.concat
local error = error
local hash = native.digest.hash
local setmetatable = setmetatable
local sub = string.sub
local type = type

-- The release whose interface this is.
local _M = {version = "0.11"}


-- Methods of objects that collect pieces of text.
local methods = {}
methods.__index = methods


function methods:update(s, n)
    if type(s) ~= "string" then
        error("bad argument #1 to 'update' (string expected, got " .. type(s)
              .. ")", 2)
    end
    self.n = self.n + 1
    self[self.n] = n and sub(s, 1, n) or s
    return true
end


function methods:final()
    if not self.n then
        error("bad self of 'final' (digest expected)", 2)
    end
    return hash(self.name, concat(self, "", 1, self.n))
end


function methods:reset()
    self.n = 0
    return true
end


function _M.new(name)
    return {
        _VERSION = _M.version,
        new = function()
            return setmetatable({name = name, n = 0}, methods)
        end,
        update = methods.update,
        final = methods.final,
        reset = methods.reset,
    }
end


return _M
