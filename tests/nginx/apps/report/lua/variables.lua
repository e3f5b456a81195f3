-- Reading and writing variables from Lua.

local function show(name, f, ...)
    local ok, value = pcall(f, ...)
    ngx.say(name, ": ", tostring(ok), " ", tostring(value))
end

local function get(name) return ngx.var[name] end
local function set(name, value) ngx.var[name] = value end

for _, name in ipairs {"mine", "MINE", "uri", "host", "arg_a", "http_host", "none",
                       "kind", "request_method", "server_port", "is_args", "args"} do
    show(name, get, name)
end
show("set", set, "mine", "changed")
show("then", get, "mine")
show("number", set, "mine", 7)
show("then", get, "mine")
show("float", set, "mine", 1.5)
show("then", get, "mine")
show("nil", set, "mine", nil)
show("then", get, "mine")
show("boolean", set, "mine", true)
show("table", set, "mine", {})
show("uri", set, "uri", "/x")
show("none", set, "none", "x")
show("host", set, "host", "x")
show("map", set, "kind", "x")
show("args", set, "args", "a=from lua&c=d")
show("then", get, "args")
show("arg_a", get, "arg_a")
show("is_args", get, "is_args")
show("table", get, {})
show("number", get, 1)
show("zero", get, 0)
show("negative", get, -1)
show("header", set, "http_x", "x")
