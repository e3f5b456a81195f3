-- Reads a multipart form from the socket, a line at a time.

local boundary = ngx.var.content_type
                 and ngx.var.content_type:match('boundary="?([^";]+)"?')
if not boundary then
    ngx.status = 400
    ngx.say("no boundary in ", ngx.var.content_type)
    return
end
local sock, err = ngx.req.socket()
if not sock then
    ngx.say("no socket: ", err)
    return
end
sock:settimeout(1000)
local read = sock:receiveuntil("\r\n--" .. boundary)
local first = sock:receive()
ngx.say("first: ", first == "--" .. boundary)
while true do
    local head = {}
    while true do
        local line, why = sock:receive()
        if not line then
            ngx.say("cut: ", why)
            return
        end
        if line == "" then
            break
        end
        head[#head + 1] = line
    end
    local size, sum = 0, {}
    while true do
        local data, why = read(7)
        if not data then
            if why then
                ngx.say("cut: ", why)
                return
            end
            break
        end
        size = size + #data
        sum[#sum + 1] = data
    end
    ngx.say(table.concat(head, " / "), ": ", size, " ", ngx.md5(table.concat(sum)))
    local after = sock:receive(2)
    if after == "--" then
        break
    end
end
ngx.say("done")
