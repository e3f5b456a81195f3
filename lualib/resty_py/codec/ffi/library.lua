-- C libraries that Python itself has in memory, for the codecs.
--
--   library(module)   the C namespace of the library behind the Python module
--                     `module` ("_hashlib": libcrypto, "zlib": zlib)
--
-- Symbols are found through whatever depends on their library, and Python's
-- extension module does. Where that is part of the interpreter, the library
-- is either loaded for all or linked in: then its symbols are in ffi.C, or
-- nowhere. Whoever calls a symbol has to be ready for both.

local ffi = require "ffi"
local native = require "resty_py.native"


return function(module)
    local path = native.digest.extension(module)
    return path and ffi.load(path) or ffi.C
end
