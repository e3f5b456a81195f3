-- Fetches one URI and shows the whole answer.

local uri = ngx.unescape_uri(ngx.var.arg_uri)
local method = ngx["HTTP_" .. (ngx.var.arg_method or "GET")]
local res = ngx.location.capture(uri, {method = method})

ngx.say("status: ", res.status)
ngx.say("truncated: ", tostring(res.truncated))
local names = {}
for name in pairs(res.header) do
    names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
    local value = res.header[name]
    if type(value) == "table" then
        value = table.concat(value, "|")
    end
    ngx.say(name, ": ", value)
end
ngx.say("any case: ", tostring(res.header["content-TYPE"]))
local body = res.body:gsub("<hr>.*", "<hr>…")
ngx.say("body: ", #body > 500 and #body or body)
