-- ngx.ctx is one of each subrequest's own, unless it is given one.

ngx.ctx.mine = "main"
local res = ngx.location.capture("/ctx-part")
ngx.say(res.body, " left ", tostring(ngx.ctx.left))

local given = {mine = "given"}
res = ngx.location.capture("/ctx-part", {ctx = given})
ngx.say(res.body, " left ", tostring(given.left), " seen ", given.seen)

res = ngx.location.capture("/ctx-part", {ctx = given})
ngx.say(res.body)

res = ngx.location.capture("/ctx-part", {ctx = ngx.ctx})
ngx.say(res.body, " left ", tostring(ngx.ctx.left))
