-- Giving connections back to their pools: methods that tcp.lua takes over.
--
-- Follows ngx_http_lua_socket_tcp_setkeepalive.

local check = require "resty_py.net.check"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local pools = require "resty_py.net.pool"

local bad_argument = check.bad_argument
local busy = check.busy
local check_count = check.count
local debug_log = log.debug
local check_self = check.self
local current_request = phases.request
local error = error
local format = string.format
local select = select
local tonumber = tonumber
local truncate = check.truncate
local type = type

local Tcp = {}


-- Whether the connection is open on both sides, as far as it is known.
local function is_open(self)
    local connection = self.connection or self.pending
    return connection and connection.fd and not connection.ended
        and not self.read_closed and not self.write_closed
end


-- What is wrong with an argument that is to be a number, or nil.
local function bad_number(value)
    return value ~= nil and not tonumber(value)
        and "number expected, got " .. type(value)
end


-- Returns the pool to put the connection into | nil, what is wrong with `size`.
local function keepalive_pool(self, size, r)
    local pool = pools.find(self.key)
    if pool then
        return pool
    end
    local err = bad_number(size)
    if err then
        return nil, err
    end
    local number = size and truncate(tonumber(size))
        or r.settings.lua_socket_pool_size
    if number <= 0 then
        return nil, format('bad "pool_size" option value: %d', number)
    end
    return pools.create(self.key, number, nil, r)
end


local function log_timeout(r, seconds)
    debug_log(r, "lua tcp socket keepalive timeout: "
              .. (seconds > 0 and format("%d ms", seconds * 1000)
                  or "unlimited"))
end


-- Puts the connection of the socket, which has none then, into the pool.
local function put_back(self, pool, seconds)
    local connection, counted = self.connection, self.pool == pool
    self.connection = nil
    self.pool = nil
    return pool:put(connection, counted, seconds, self.reused)
end


-- sock:setkeepalive(timeout_ms?, size?)
-- Returns 1 | nil, err.
function Tcp.setkeepalive(...)
    check_count("setkeepalive", select("#", ...))
    local self, timeout, size = ...
    check_self(self, "setkeepalive")
    if not is_open(self) then
        return nil, "closed"
    end
    local r = current_request()
    if self.request ~= r then
        error("bad request", 2)
    end
    local err = busy(self, true, true)
    if err then
        return nil, err
    elseif not self.connection:is_drained() then
        return nil, "unread data in buffer"
    elseif pools.draining then
        debug_log(r, "lua tcp socket set keepalive while process exiting, "
                  .. "closing connection " .. check.pointer(self.connection))
        self:release()
        return 1
    end
    err = bad_number(timeout)
    if err then
        bad_argument(2, err)
    end
    local pool
    pool, err = keepalive_pool(self, size, r)
    if not pool then
        bad_argument(3, err)
    end
    local seconds = timeout and truncate(tonumber(timeout)) / 1000
        or r.settings.lua_socket_keepalive_timeout
    if log.debugs(r) then
        log_timeout(r, seconds)
    end
    local ok
    ok, err = put_back(self, pool, seconds)
    if not ok then
        return nil, err
    end
    return 1
end


function Tcp.getreusedtimes(...)
    check_count("getreusedtimes", select("#", ...))
    local self = ...
    check_self(self, "getreusedtimes")
    if not (self.connection or self.pending) then
        return nil, "closed"
    end
    return self.reused or 0
end


return Tcp
