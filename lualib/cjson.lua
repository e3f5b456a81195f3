-- JSON: lua-cjson, as OpenResty has it.
-- RESTY_PY_CJSON=compiled asks for the compiled one on package.cpath instead.

local compiled = require "resty_py.json.compiled"

return compiled.find "cjson" or require("resty_py.json").new()
