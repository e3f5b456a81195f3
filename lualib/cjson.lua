-- JSON: lua-cjson, as OpenResty has it.

return require("resty_py.json").new()
