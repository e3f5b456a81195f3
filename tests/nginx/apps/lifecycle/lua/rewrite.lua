local ctx = ngx.ctx
ctx.trace = (ctx.trace or "") .. " rewrite@location"
ngx.req.set_header("X-Rewritten", "by " .. ngx.get_phase())
