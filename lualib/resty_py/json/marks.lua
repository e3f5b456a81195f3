-- The metatables that say how a table is encoded, and the value that is always
-- an empty array. All instances share them, as all of lua-cjson do.

local newproxy = newproxy

local _M = {}

_M.array_mt = {}
_M.empty_array_mt = {}
_M.empty_array = newproxy()

return _M
