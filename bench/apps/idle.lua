-- Opens a keep-alive connection cheaply; under /active it holds the request
-- for a moment, so that many are being served at once.

if ngx.var.uri == "/active" then
    ngx.sleep(0.5)
end

ngx.header["Content-Length"] = 6
ngx.say("hello")
