-- The address of a client, which a proxy may have told (modules/realip.lua).
--
--   of(r)              {host, port, family, binary}: net/address.lua
--   peer(r)            that of who is connected, whatever was told
--   is_changed(r)      whether one was told
--   change(r, address) the address, sockaddr bytes, for the rest of the request
--   keep(r)            the connection, with the address that it has now
--   restore(downstream)   what the connection has, once the request is logged
--
-- All of a connection's requests have its address in common, so subrequests and
-- the log see what the request was told.

local parse = require "resty_py.net.address".parse

local setmetatable = setmetatable

local _M = {}


function _M.of(r)
    local downstream = r.downstream
    local parsed = downstream.remote
    if not parsed then
        parsed = parse(downstream.address)
        downstream.remote = parsed
    end
    return parsed
end


function _M.peer(r)
    local peer = r.downstream.peer
    return peer and parse(peer) or _M.of(r)
end


function _M.is_changed(r)
    return r.downstream.peer and true or false
end


-- The connection as a request has it that outlives its main request.
function _M.keep(r)
    local downstream = r.downstream
    return setmetatable({
        address = downstream.address,
        remote = _M.of(r),
        peer = downstream.peer or false,
        requests = downstream.requests,
    }, {__index = downstream})
end


function _M.change(r, address)
    local downstream = r.downstream
    downstream.peer = downstream.address
    downstream.address, downstream.remote = address, nil
end


function _M.restore(downstream)
    downstream.address, downstream.remote = downstream.peer, nil
    downstream.peer = nil
end


return _M
