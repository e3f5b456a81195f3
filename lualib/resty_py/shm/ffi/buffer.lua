-- Where what is read from a zone waits for the mutex to be given back.
--
--   memory, base   the buffer, and its address as a number
--   room           its size
--   grow(size)     makes it at least so large; what was in it is lost
--   take(size)     its first bytes as a string
--
-- A buffer that had to grow far is given up once it was read: one large value
-- would keep as much memory in every worker for good.

local ffi = require "ffi"

local cast = ffi.cast
local ffi_string = ffi.string
local new = ffi.new
local tonumber = tonumber

-- Its size at first, and up to which it is kept.
local ROOM = 4096
local MAX_KEPT = 1048576

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


function _M.take(size)
    local text = ffi_string(_M.memory, size)
    if _M.room > MAX_KEPT then
        allocate(ROOM)
    end
    return text
end


allocate(ROOM)

return _M
