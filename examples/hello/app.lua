-- What a content handler is: a Lua file that runs once for each request and
-- says what to answer.
--
--   resty-py examples/hello/app.lua
--   curl 'http://127.0.0.1:8080/?name=Ada&name=Grace' -H 'X-Mood: curious'
--
-- With nginx: location / { content_by_lua_file …/app.lua; }

local args = ngx.req.get_uri_args()
local headers = ngx.req.get_headers()

-- An argument is a string, true where it has no value, or an array where it
-- is given more than once.
local names = args.name or "world"
if type(names) ~= "table" then
    names = {names}
end

-- Headers leave with the first byte of the body, so they are set before it.
ngx.header["Content-Type"] = "text/plain; charset=utf-8"
ngx.header["X-Mood"] = headers["X-Mood"]

for _, name in ipairs(names) do
    ngx.say("Hello, ", name, "!")
end
ngx.say("You asked for ", ngx.var.uri, " by ", ngx.req.get_method(), ".")
