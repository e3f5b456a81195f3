local guard = require "gate.guard"

if ngx.req.get_method() ~= "POST" then
    ngx.header.content_type = "text/html"
    ngx.say("<form method=post>", ngx.var.arg_to or "", "</form>")
    return
end

ngx.req.read_body()
local form, err = ngx.req.get_post_args(10)
if not form then
    ngx.log(ngx.ERR, "no form: ", err)
    return ngx.exit(400)
end
local user = users.by_name[form.name or ""]
if not user or user.password ~= form.password then
    ngx.status = ngx.HTTP_FORBIDDEN
    ngx.say("wrong name or password")
    return
end
ngx.header["Set-Cookie"] = {
    "token=" .. guard.sign(user.name) .. "; Path=/; HttpOnly",
    "seen=yes; Path=/",
}
local to = ngx.req.get_uri_args().to
return ngx.redirect(type(to) == "string" and to or "/", 303)
