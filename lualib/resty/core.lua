-- resty.core: loads what OpenResty loads at its start. Here the runtime has
-- installed all of it already.

local base = require "resty.core.base"

for _, name in ipairs {
    "base64", "coroutine", "ctx", "exit", "hash", "misc", "ndk", "param",
    "phase", "regex", "request", "response", "shdict", "socket", "time",
    "uri", "var", "worker",
} do
    require("resty.core." .. name)
end

return {version = base.version}
