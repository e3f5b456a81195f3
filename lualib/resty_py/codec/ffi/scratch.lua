-- Memory in which the FFI codecs build their results.
--
--   scratch(size)   uint8_t[?] of at least `size` bytes, valid until the next
--                   call; what is larger than the kept block is left to the
--                   collector

local ffi = require "ffi"

local BYTES = ffi.typeof("uint8_t[?]")
local KEPT_SIZE = 65536
local kept = BYTES(KEPT_SIZE)


return function(size)
    if size <= KEPT_SIZE then
        return kept
    end
    return BYTES(size)
end
