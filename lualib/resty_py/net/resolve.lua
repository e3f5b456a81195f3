-- Host names to addresses, for cosockets.
--
--   resolve(name, owner)   array of {family = 4 | 6, address = text}, the
--                          one to try first in front | nil, err; parks
--     owner   has forget(owner, thread), called when the thread that waits
--             is killed
--
-- Where a name has several IPv4 addresses, the first is chosen at random,
-- as ngx_http_lua_socket_tcp.c does; the others are there to fall back on.

local deferred = require "resty_py.scheduler.deferred"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local settings = require "resty_py.settings"

local find = string.find
local random = math.random
local select = select

local _M = {}


local function pairs_of(count, ...)
    if not count then
        return nil, (...)
    end
    local addresses = {}
    for i = 1, count do
        local family, address = select(2 * i - 1, ...)
        addresses[i] = {family = family, address = address}
    end
    return addresses
end


local function rotate_first(addresses)
    local n = 0
    while addresses[n + 1] and addresses[n + 1].family == 4 do
        n = n + 1
    end
    if n > 1 then
        local i = random(n)
        addresses[1], addresses[i] = addresses[i], addresses[1]
    end
    return addresses
end


-- The resolver and its time are those of the location that asks.
function _M.resolve(name, owner)
    -- libc reads "1.2.3" as an address; DNS has no such name.
    if find(name, "^[%d.]+$") then
        return nil, name .. " could not be resolved (3: Host not found)"
    end
    local given = scheduler.current.request.settings or settings.main
    local addresses, err = pairs_of(deferred.await_for(
        owner, native.dns.resolve, name, given.resolver_timeout,
        given.resolver))
    if not addresses then
        return nil, err
    end
    return rotate_first(addresses)
end


return _M
