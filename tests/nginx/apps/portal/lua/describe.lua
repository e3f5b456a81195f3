-- Says what a request looks like from within.

return function(given)
    ngx.req.read_body()
    local headers = ngx.req.get_headers()
    local lines = {
        "method=" .. ngx.req.get_method(),
        "uri=" .. ngx.var.uri,
        "args=" .. (ngx.var.args or "none"),
        "body=" .. (ngx.req.get_body_data() or "none"),
        "length=" .. (ngx.var.http_content_length or "none"),
        "type=" .. tostring(headers["content-type"]),
        "x=" .. tostring(headers["x-test"]),
        "given=" .. given,
        "subrequest=" .. tostring(ngx.is_subrequest),
        "internal=" .. tostring(ngx.req.is_internal()),
    }
    return table.concat(lines, " ")
end
