-- The least a request can cost: one line, nothing read.

ngx.say("hello")
