local var = ngx.var

local function show(value)
    if value == nil then
        return "nil"
    end
    return '"' .. value .. '"'
end

local out = {
    "resource=" .. show(var.resource),
    "id=" .. show(var.id),
    "rest=" .. show(var.rest),
    "1=" .. show(ngx.var[1]),
    "3=" .. show(ngx.var[3]),
    "4=" .. show(ngx.var[4]),
    "method=" .. ngx.req.get_method(),
    "args=" .. show(var.args),
    "uri=" .. show(var.uri),
    "request_uri=" .. show(var.request_uri),
    "internal=" .. tostring(ngx.req.is_internal()),
}
ngx.say(table.concat(out, " "))
