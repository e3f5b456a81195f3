-- Decides who may go on.

local users = require "gate.users"

local guard = {}

function guard.sign(name)
    return name .. "." .. ngx.md5("salt" .. name):sub(1, 8)
end

function guard.user()
    local token = ngx.var.cookie_token
    if not token then
        return nil, "no token"
    end
    local name = ngx.re.match(token, [[^(?<name>\w+)\.[0-9a-f]{8}$]], "jo")
    if not name then
        return nil, "bad token"
    end
    if guard.sign(name.name) ~= token then
        return nil, "forged token"
    end
    return users.by_name[name.name], "unknown user"
end

function guard.check(role)
    local user, why = guard.user()
    if not user then
        ngx.header["X-Why"] = why
        return ngx.exit(ngx.HTTP_UNAUTHORIZED)
    end
    if user.role ~= role then
        return ngx.exit(ngx.HTTP_FORBIDDEN)
    end
    ngx.ctx.user = user
end

function guard.check_key(key)
    if not key then
        return ngx.exit(401)
    end
    if type(key) ~= "string" or not users.keys[key] then
        return ngx.exit(403)
    end
end

return guard
