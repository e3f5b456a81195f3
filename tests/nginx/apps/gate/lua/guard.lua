local guard = require "gate.guard"

local user, why = guard.user()
if not user then
    local to = ngx.escape_uri(ngx.var.request_uri)
    ngx.header["X-Why"] = why
    return ngx.redirect("/login?to=" .. to)
end
ngx.ctx.user = user
ngx.req.set_header("X-User", user.name)
