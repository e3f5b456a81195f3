ngx.req.read_body()
local data, path = ngx.req.get_body_data(), ngx.req.get_body_file()
if path then
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    ngx.say("file: ", #text, " ", ngx.md5(text))
elseif data then
    ngx.say("memory: ", #data, " ", #data > 50 and ngx.md5(data) or data)
else
    ngx.say("nothing")
end
ngx.say("length: ", ngx.var.content_length, " coding: ",
        ngx.var.http_transfer_encoding)
