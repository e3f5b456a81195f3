-- Picks the half of the JSON code that suits the flavour, as codec/twin.lua
-- does for the codecs.
--
--   twin(name)   name: string, a file of json/ffi and json/portable; returns
--                that module

local pcall = pcall
local require = require

local compiles = pcall(require, "ffi") and jit.status()
local half = compiles and "ffi" or "portable"


return function(name)
    return require("resty_py.json." .. half .. "." .. name)
end
