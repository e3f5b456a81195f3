-- JSON whose errors are answers: nil and a text.
-- RESTY_PY_CJSON=compiled asks for the compiled one on package.cpath instead.

local compiled = require "resty_py.json.compiled"

return compiled.find "cjson_safe" or require("resty_py.json").new(true)
