-- 1 MiB down, in one string with its length announced. The string lives in
-- package.loaded, as in a module's local: this chunk runs for every request.

local loaded = package.loaded

local body = loaded["bench.download"]
if not body then
    body = string.rep("x", 1048576)
    loaded["bench.download"] = body
end

ngx.header["Content-Length"] = #body
ngx.print(body)
