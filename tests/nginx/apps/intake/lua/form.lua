local show = require "show"

ngx.req.read_body()
if ngx.var.arg_max then
    show(ngx.req.get_post_args(tonumber(ngx.var.arg_max)))
else
    show(ngx.req.get_post_args())
end
