-- The compiled cjson, for those who prefer it: RESTY_PY_CJSON=compiled.
--
--   find(name)   the module that luaopen_NAME of cjson.so makes
--                | nil: ours is preferred
--
-- Ours has all the settings that OpenResty's has, and so has OpenResty's own
-- cjson.so. A distribution's may lack some of them.

local native = require "resty_py.native"

local error = error
local package = package

local wanted = native.compiled.prefers_cjson()

local _M = {}


function _M.find(name)
    if not wanted then
        return nil
    end
    local file, tried = package.searchpath("cjson", package.cpath)
    if not file then
        error("RESTY_PY_CJSON asks for a compiled cjson, and there is none:"
              .. tried, 0)
    end
    local loader, err = package.loadlib(file, "luaopen_" .. name)
    if not loader then
        error("error loading module 'cjson' from file '" .. file .. "':\n\t"
              .. err, 0)
    end
    return loader(name)
end


return _M
