-- Keeps request bodies in Redis, and gives them back: POST /KEY, GET /KEY.
--
-- luacheck: std ngx_lua

local redis = require "resty.redis"

local PORT = tonumber(os.getenv("REDIS_PORT"))


-- Returns the request's body, wherever the server has put it.
local function read_body()
    ngx.req.read_body()
    local path = ngx.req.get_body_file()
    if not path then
        return ngx.req.get_body_data() or ""
    end
    local file = assert(io.open(path, "rb"))
    local data = file:read("*a")
    file:close()
    return data
end


local red = redis:new()
assert(red:connect("127.0.0.1", PORT))
local key = ngx.var.uri:sub(2)
local answer
if ngx.req.get_method() == "POST" then
    answer = assert(red:set(key, read_body()))
else
    answer = assert(red:get(key))
end
assert(red:set_keepalive(10000, 10))
if answer == ngx.null then
    return ngx.exit(ngx.HTTP_NOT_FOUND)
end
ngx.header["Content-Type"] = "application/octet-stream"
ngx.print(answer)
