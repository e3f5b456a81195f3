-- System calls on files.
--
-- Two halves serve the same interface: ffi.lua where the flavour has FFI, and
-- the host (resty_py/host/static.py) elsewhere.
--
--   open(path, most, policy, trusted)
--                  what it is: "file", "directory" or "other"; its size; when
--                  it was changed, in whole seconds; and, of a file, where
--                  `most` is not nil: all bytes, or a descriptor where they
--                  are more than `most`
--   read(fd, offset, most)   at most `most` bytes, "" at the end
--   close(fd)
--   examine(path, policy, trusted)   what it is, whether its owner may run it
--   realpath(path)   the path without symbolic links
--
-- All but close() return nil, what the system says of the failure, its number
-- and the call as nginx names it. policy: disable_symlinks, nil for `off`;
-- trusted: bytes of the path that it does not look at.

local native = require "resty_py.native"

local pcall = pcall
local require = require

local by_ffi = nil
if pcall(require, "ffi") and native.sys.prefer_ffi() then
    local loaded, half = pcall(require, "resty_py.static.ffi")
    by_ffi = loaded and half
end

return by_ffi or native.static
