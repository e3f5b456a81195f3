-- Picks the half of a codec that suits the flavour.
--
--   twin(name)   name: string, a file of codec/ffi and codec/portable;
--                returns that module
--
-- codec/ffi holds loops over bytes: several times faster than anything else
-- where LuaJIT compiles them, slower than everything where it does not (JIT
-- switched off, or a platform that gives it no executable memory).

local pcall = pcall
local require = require

local compiles = pcall(require, "ffi") and jit.status()
local half = compiles and "ffi" or "portable"


return function(name)
    return require("resty_py.codec." .. half .. "." .. name)
end
