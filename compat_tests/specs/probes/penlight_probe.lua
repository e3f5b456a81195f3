local show = require "show"
local List = require "pl.List"
local OrderedMap = require "pl.OrderedMap"
local class = require "pl.class"
local data = require "pl.data"
local path = require "pl.path"
local pretty = require "pl.pretty"
local seq = require "pl.seq"
local stringx = require "pl.stringx"
local tablex = require "pl.tablex"
local template = require "pl.template"
local types = require "pl.types"
local utils = require "pl.utils"

show(List {3, 1, 2}:sort():map("+", 1), List.range(1, 5):slice(2, 3))
local map = OrderedMap()
map:set("z", 1)
map:set("a", 2)
for key, value in map:iter() do
    show(key, value)
end
local Animal = class()
function Animal:_init(name)
    self.name = name
end
local Dog = class(Animal)
function Dog:__tostring()
    return self.name .. " the dog"
end
show(Dog("Rex"), Dog:class_of(Dog("a")), Animal:class_of(Dog("a")))
show(pretty.write({1, {2}, x = "y"}, ""))
show(pretty.read("{1, 2, a = 3}").a)
show(stringx.strip("  x "), stringx.split("a b c"), stringx.title("hello you"))
show(tablex.deepcompare({1, {2}}, {1, {2}}), tablex.size({a = 1, b = 2}))
show(path.join("a", "b.lua"), path.extension("x/y.tar.gz"),
      path.basename("/a/b"), path.normpath("/a/../b/./c"))
show(seq.sum(seq.range(1, 10)), seq.copy(seq.filter(seq.list {1, -2, 3}, ">", 0)))
show(template.substitute("# for i = 1, 2 do\n<$(i)>\n# end\n", {}))
local read = data.read(require "pl.stringio".open("a,b\n1,2\n3,4\n"))
show(read.fieldnames, read:column_by_name("b"))
show(types.is_callable(show), types.type(List()))
show(utils.choose(1 > 2, "yes", "no"), utils.split("1;2", ";")[2])
show(pcall(utils.assert_arg, 1, 5, "string"))
