-- Making the connections of TCP cosockets.
--
--   connect(socket, r, host, port, timeout)
--     socket    has bind_address, bind_port; `pending` is set meanwhile
--     port      nil where `host` is "unix:path"
--     Returns a net.connection | nil, err; logs failures where the request
--     has lua_socket_log_errors on. Parks.
--
-- Follows ngx_http_lua_socket_resolve_handler and ..._connected_handler.

local connections = require "resty_py.net.connection"
local log = require "resty_py.log"
local native = require "resty_py.native"
local resolve = require "resty_py.net.resolve".resolve
local scheduler = require "resty_py.scheduler"

local format = string.format
local net = native.net
local sub = string.sub
local upper = string.upper

local TIMEOUT = scheduler.TIMEOUT

local _M = {}


-- Logs `text` where the request wants socket errors logged.
function _M.log_error(r, text)
    if r.settings.lua_socket_log_errors then
        log.request(r, log.ERR, text)
    end
end


local log_error = _M.log_error


local function log_connect(r, err, errno)
    log_error(r, format("connect() failed (%s: %s%s)", errno or "-1",
                        upper(sub(err, 1, 1)), sub(err, 2)))
end


-- Waits until a connection in progress is made.
-- Returns true | nil, err, errno; the connection is closed then.
local function establish(r, connection, timeout, peer)
    connection.writable = false
    if connection:wait_writable(timeout) == TIMEOUT then
        connection:close()
        log_error(r, "lua tcp socket connect timed out, when connecting to "
                    .. peer)
        return nil, "timeout"
    end
    local _, err, errno = net.error(connection.fd)
    if err then
        connection:close()
        log_connect(r, err, errno)
        return nil, err
    end
    return true
end


local function adopt(self, r, fd, in_progress, timeout, peer)
    local connection, err = connections.adopt(fd)
    if not connection then
        return nil, err
    end
    self.pending = connection
    if in_progress then
        local ok
        ok, err = establish(r, connection, timeout, peer)
        if not ok then
            self.pending = nil
            return nil, err
        end
    end
    self.pending = nil
    return connection
end


local function connect_address(self, r, to, port, timeout)
    local fd, in_progress, errno = net.connect(
        to.family, to.address, port, self.bind_address, self.bind_port)
    if not fd then
        log_connect(r, in_progress, errno)
        return nil, in_progress
    end
    return adopt(self, r, fd, in_progress, timeout, to.address .. ":" .. port)
end


local function connect_name(self, r, host, port, timeout)
    local addresses, err = resolve(host)
    if not addresses then
        return nil, err
    end
    local connection
    for i = 1, #addresses do
        connection, err = connect_address(self, r, addresses[i], port, timeout)
        if connection then
            return connection
        end
    end
    return nil, err
end


local function connect_unix(self, r, host, timeout)
    local path = sub(host, 6)
    local fd, in_progress, errno = net.connect_unix(path)
    if not fd then
        log_connect(r, in_progress, errno)
        return nil, in_progress
    end
    return adopt(self, r, fd, in_progress, timeout, host)
end


function _M.connect(self, r, host, port, timeout)
    if port then
        return connect_name(self, r, host, port, timeout)
    end
    return connect_unix(self, r, host, timeout)
end


return _M
