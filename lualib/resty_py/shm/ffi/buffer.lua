-- Where what is read from a zone waits for the mutex to be given back.
--
--   memory, base   the buffer, and its address as a number
--   room           its size
--   grow(size)     makes it at least so large; what was in it is lost

local ffi = require "ffi"

local cast = ffi.cast
local new = ffi.new
local tonumber = tonumber

local _M = {}


local function allocate(size)
    _M.memory = new("uint8_t[?]", size)
    _M.base = tonumber(cast("intptr_t", _M.memory))
    _M.room = size
end


function _M.grow(size)
    local room = _M.room
    while room < size do
        room = 2 * room
    end
    allocate(room)
end


allocate(4096)

return _M
