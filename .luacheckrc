std = "min"
max_line_length = 80
files["lualib"] = {
    std = "ngx_lua+min",
    globals = {"ngx", "ndk", "coroutine", "table", "string", "math",
               "package", "debug", "os", "_G"},
    read_globals = {"jit", "setfenv", "getfenv", "loadstring", "unpack",
                    "newproxy", "rawlen", "module"},
}
files["lualib/compat"] = {
    allow_defined_top = true,
    globals = {"pcall", "xpcall", "require", "load", "loadstring", "unpack",
               "setfenv", "getfenv", "module", "rawlen", "pairs", "ipairs",
               "bit", "coroutine", "table", "string", "math", "package",
               "debug", "os", "select", "dofile", "loadfile", "collectgarbage"},
}
files["examples"] = {std = "ngx_lua"}
files["bench"] = {std = "ngx_lua"}
