local journal = require "shop.journal"
journal.add(string.format("log: %s %s %d %s sent %s, last in %s",
                          ngx.req.get_method(), ngx.var.request_uri,
                          ngx.status, ngx.ctx.trace,
                          ngx.header.content_type, ngx.get_phase()))
