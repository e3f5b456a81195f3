-- Making the connections of TCP cosockets.
--
--   connect(socket, r, host, port, timeout)
--     socket    has bind_address, bind_port; `pending` is set meanwhile
--     port      nil where `host` is "unix:path"
--     Returns a net.connection | nil, err; logs failures. Parks.
--
-- Follows ngx_event_connect_peer, ngx_http_lua_socket_resolve_handler and
-- ..._connected_handler.

local check = require "resty_py.net.check"
local connections = require "resty_py.net.connection"
local log = require "resty_py.log"
local native = require "resty_py.native"
local resolve = require "resty_py.net.resolve".resolve
local scheduler = require "resty_py.scheduler"
local target = require "resty_py.net.target"

local format = string.format
local log_call = check.log_call
local net = native.net

local TIMEOUT = scheduler.TIMEOUT

-- Linux errors of connect() that say something of the peer; others, of
-- ourselves, are logged as critical.
local PEER_ERRORS = {
    [11] = true,   -- EAGAIN: a unix domain socket's full backlog
    [100] = true,  -- ENETDOWN
    [101] = true,  -- ENETUNREACH
    [104] = true,  -- ECONNRESET
    [111] = true,  -- ECONNREFUSED
    [112] = true,  -- EHOSTDOWN
    [113] = true,  -- EHOSTUNREACH
}

-- Linux errors of bind().
local BIND_ERRORS = {
    [13] = true,  -- EACCES
    [97] = true,  -- EAFNOSUPPORT
    [98] = true,  -- EADDRINUSE
    [99] = true,  -- EADDRNOTAVAIL
}

local _M = {}


-- Logs `text` where the request wants socket errors logged.
function _M.log_error(r, text)
    if r.settings.lua_socket_log_errors then
        log.request(r, log.ERR, text)
    end
end


local log_error = _M.log_error


local function log_refusal(self, r, text, err, code)
    if self.bind_address and BIND_ERRORS[code] then
        return log_call(r, log.CRIT, "bind(" .. self.bind_address .. ")", err,
                        code)
    end
    return log_call(r, PEER_ERRORS[code] and log.ERR or log.CRIT,
                    "connect() to " .. text, err, code)
end


-- Waits until a connection in progress is made.
-- Returns true | nil, err; the connection is closed then.
local function establish(self, r, connection, timeout, peer)
    connection.writable = false
    if connection:wait_writable(timeout, self) == TIMEOUT then
        connection:close()
        log_error(r, format("lua tcp socket connect timed out, when "
                            .. "connecting to %s:%d", peer.address, peer.port))
        return nil, "timeout"
    end
    local _, err, code = net.error(connection.fd)
    if err then
        connection:close()
        if r.settings.lua_socket_log_errors then
            log_call(r, log.ERR, "connect()", err, code)
        end
        return nil, err
    end
    return true
end


local function adopt(self, r, fd, in_progress, timeout, peer)
    local connection, err = connections.adopt(fd)
    if not connection then
        return nil, err
    end
    if in_progress then
        local ok
        self.pending = connection
        ok, err = establish(self, r, connection, timeout, peer)
        self.pending = nil
        if not ok then
            return nil, err
        end
    end
    return connection
end


local function connect_address(self, r, to, timeout)
    if log.debugs(r) and r.settings.tcp_nodelay ~= false then
        log.debug(r, "lua socket tcp_nodelay")
    end
    local fd, in_progress, code = net.connect(
        to.family, to.address, to.port, self.bind_address, self.bind_port)
    if not fd then
        log_refusal(self, r, to.text, in_progress, code)
        return nil, in_progress
    elseif r.settings.tcp_nodelay == false then
        net.setoption(fd, "tcp-nodelay", 0)
    end
    return adopt(self, r, fd, in_progress, timeout, to)
end


local function with_port(to, port)
    to.port = port
    to.text = format(to.family == 6 and "[%s]:%d" or "%s:%d", to.address,
                     port)
    return to
end


local function connect_name(self, r, to, timeout)
    local addresses, err = resolve(to.name, self)
    if not addresses then
        return nil, err
    end
    local connection
    for i = 1, #addresses do
        connection, err = connect_address(self, r,
                                          with_port(addresses[i], to.port),
                                          timeout)
        if connection or err == "timeout" then
            return connection, err
        end
    end
    return nil, err
end


local function connect_unix(self, r, to, timeout)
    local fd, in_progress, code = net.connect_unix(to.path)
    if not fd then
        log_refusal(self, r, "unix:" .. to.path, in_progress, code)
        return nil, in_progress
    end
    return adopt(self, r, fd, in_progress, timeout, to)
end


local CONNECT = {address = connect_address, name = connect_name,
                 unix = connect_unix}


function _M.connect(self, r, host, port, timeout)
    local to, err = target.parse(host, port)
    if not to then
        return nil, err
    end
    return CONNECT[to.kind](self, r, to, timeout)
end


return _M
