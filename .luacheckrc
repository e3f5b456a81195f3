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
    std = "max",
    globals = {"coroutine", "debug", "io", "math", "os", "package", "string",
               "table", "_G"},
}
files["examples"] = {std = "ngx_lua"}
files["bench"] = {std = "ngx_lua"}
