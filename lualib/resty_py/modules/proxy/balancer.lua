-- balancer_by_lua: Lua chooses the peer of an upstream block.
--
--   choose(u, code)   runs the handler `code` for the upstream u of a request:
--                     a peer | nil: the turn of the block's own servers
--                     | nil, what the request ends with or BUSY
--
-- What ngx.balancer has set meanwhile is in u.balancing:
--
--   to, name     the address that was chosen
--   more         tries to add
--   exit         what ngx.exit() was called with
--
-- Follows ngx_http_lua_balancer.c.

local handler = require "resty_py.program.handler"
local hooks = require "resty_py.request.hooks"

local ERROR, BUSY, DECLINED = -1, -3, -5
local OK, SPECIAL, INTERNAL_SERVER_ERROR = 0, 300, 500

local _M = {BUSY = BUSY}


-- What ngx.exit() makes of it, nil for nothing.
local function ended_with(code)
    if not code or code == OK then
        return nil
    elseif code == BUSY or code == DECLINED then
        return BUSY
    end
    return (code == ERROR or code < SPECIAL) and INTERNAL_SERVER_ERROR or code
end


function _M.choose(u, code)
    local r = u.request
    local chunk = handler.chunk(code, r)
    if not chunk then
        return nil, INTERNAL_SERVER_ERROR
    end
    local balancing = {more = 0}
    u.balancing = balancing
    u.total_tries = (u.total_tries or 0) + 1
    local ok = hooks.run(r, "balancer", chunk)
    if not ok then
        return nil, INTERNAL_SERVER_ERROR
    end
    local rc = ended_with(balancing.exit)
    if rc then
        return nil, rc
    elseif balancing.to then
        u.tries = u.tries + balancing.more
        return balancing
    end
end


return _M
