local show = require "show"
local json = require "dkjson"

show(json.encode({1, 2.5, "x\n\"", true, json.null, {a = {}}}))
show(json.encode({b = 1, a = 2}, {keyorder = {"a", "b"}, indent = true}))
show(json.encode(setmetatable({}, {__jsontype = "object"})))
local value, position, err = json.decode('{"a": [1, -2e3, "\\u00e9\\ud83d\\ude00"]}')
show(value.a[1], value.a[2], value.a[3], position, err)
show(select(3, json.decode("[1, }")))
show(json.version)
