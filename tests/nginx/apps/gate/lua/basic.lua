local function refuse()
    ngx.header["WWW-Authenticate"] = 'Basic realm="gate"'
    return ngx.exit(401)
end

local name, password = ngx.var.remote_user, nil
if not name then
    return refuse()
end
local field = ngx.req.get_headers()["Authorization"]
local decoded = ngx.decode_base64(field:match("^%a+ +(%S+)$") or "")
password = decoded and decoded:match("^[^:]*:(.*)$")
local user = users.by_name[name]
if not user or user.password ~= password then
    return refuse()
end
