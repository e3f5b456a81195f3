local show = require "show"
local lyaml = require "lyaml"

local document = lyaml.load [[
name: a name
list: [1, 2.5, yes, ~, "text"]
nested:
  - key: value
    folded: >
      two
      lines
anchors: {a: &x 5, b: *x}
]]
show(document.name, #document.list, document.list[2], document.list[3])
show(document.list[4] == lyaml.null, document.nested[1].key)
show(document.nested[1].folded, document.anchors.b)
io.write(lyaml.dump({{1, "two", {3}}}))
io.write(lyaml.dump({{key = "value"}}))
show(#lyaml.load("--- 1\n--- 2\n", {all = true}))
show((pcall(lyaml.load, "a: [")))
