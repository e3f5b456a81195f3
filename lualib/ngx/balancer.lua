-- ngx.balancer: what balancer_by_lua does with the upstream of its request.
--
--   set_current_peer(address, port?)   true | nil, err; "unix:/path" and
--                                      "address:port" are taken as well
--   set_more_tries(count)              true [, warning] | nil, err
--   get_last_failure()                 nil, or "next" | "failed", status
--   set_timeouts(connect?, send?, read?)   seconds; true | nil, err
--   recreate_request()                 true: each attempt makes its own here
--
-- Follows lua-resty-core's ngx.balancer and ngx_http_lua_balancer.c.

local phases = require "resty_py.request.phases"
local target = require "resty_py.net.target"

local error = error
local floor = math.floor
local format = string.format
local parse = target.parse_url
local request = phases.request
local tonumber = tonumber
local type = type

local REDUCED = "reduced tries due to limit"
local MAX_PORT = 65535
-- Past it a count is no int of C.
local INT_LIMIT = 2 ^ 31

local _M = {version = "0.1.25"}


-- Returns the upstream of the current request | nil, err.
local function current()
    local r = request()
    if not r.upstream then
        return nil, "no upstream found"
    elseif r.phase ~= "balancer" then
        return nil, "API disabled in the current context"
    end
    return r.upstream
end


local function refuse(i, name, wanted, value)
    error(format("bad argument #%d to '%s' (%s expected, got %s)", i, name,
                 wanted, type(value)), 3)
end


function _M.set_current_peer(address, port)
    local u, err = current()
    if not u then
        return nil, err
    elseif type(address) ~= "string" then
        refuse(1, "set_current_peer", "string", address)
    end
    local number = tonumber(port or 0)
    if not number then
        refuse(2, "set_current_peer", "number", port)
    elseif not (number >= 0 and number <= MAX_PORT) then
        return nil, "invalid port"
    end
    local to
    to, err = parse(address, floor(number))
    if not to then
        return nil, err
    elseif to.kind == "name" then
        return nil, "no host allowed"
    end
    local balancing = u.balancing
    balancing.to = to
    balancing.name = to.kind == "unix" and "unix:" .. to.path or to.text
    return true
end


function _M.set_more_tries(count)
    local u, err = current()
    if not u then
        return nil, err
    elseif type(count) ~= "number" then
        refuse(1, "set_more_tries", "number", count)
    elseif not (count > -INT_LIMIT and count < INT_LIMIT) then
        error("bad argument #1 to 'set_more_tries' (out of range)", 2)
    end
    local limit = u.request.settings.proxy_next_upstream_tries
    local total = u.total_tries + u.tries - 1
    local is_reduced = limit > 0 and total + count > limit
    u.balancing.more = is_reduced and limit - total or count
    if is_reduced then
        return true, REDUCED
    end
    return true
end


function _M.get_last_failure()
    local u, err = current()
    if not u then
        return nil, nil, err
    elseif not u.last_failure then
        return nil
    end
    local last = u.states[#u.states - 1]
    return u.last_failure, last and last.status or 0
end


local function check(name, value)
    if value and (type(value) ~= "number" or value <= 0 or value ~= value)
    then
        error("bad " .. name .. " timeout", 3)
    end
end


function _M.set_timeouts(connect, send, read)
    check("connect", connect)
    check("send", send)
    check("read", read)
    local u, err = current()
    if not u then
        return false, err
    end
    u.connect_timeout = connect or u.connect_timeout
    u.send_timeout = send or u.send_timeout
    u.read_timeout = read or u.read_timeout
    return true
end


function _M.recreate_request()
    local u, err = current()
    if not u then
        return nil, err
    end
    return true
end


return _M
