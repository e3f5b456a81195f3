-- Options and parts of the TCP cosocket's descriptor: methods that tcp.lua
-- takes over.
--
-- Follows ngx_http_lua_socket_tcp_setoption and its neighbours.

local check_self = require "resty_py.net.check".self
local busy = require "resty_py.net.check".busy
local native = require "resty_py.native"

local error = error
local format = string.format
local net = native.net
local tostring = tostring
local type = type

local Tcp = {}


function Tcp.setoption(self, name, value)
    check_self(self, "setoption")
    if not self.request then
        error("socket is never created nor connected", 2)
    elseif name == nil then
        return nil, 'missing the "option" argument'
    elseif value == nil then
        return nil, 'missing the "value" argument'
    elseif not self.connection then
        return nil, "closed"
    end
    if type(value) == "boolean" then
        value = value and 1 or 0
    end
    local ok, err = net.setoption(self.connection.fd, name, value)
    if not ok then
        return nil, err
    end
    return true
end


function Tcp.getoption(self, name)
    check_self(self, "getoption")
    if not self.request then
        error("socket is never created nor connected", 2)
    elseif name == nil then
        return nil, 'missing the "option" argument'
    elseif not self.connection then
        return nil, "closed"
    end
    return net.getoption(self.connection.fd, name)
end


-- sock:getfd(): the descriptor | nil, "closed".
function Tcp.getfd(self)
    check_self(self, "getfd")
    if not self.connection then
        return nil, "closed"
    end
    return self.connection.fd
end


-- sock:shutdown("send"): no more will be sent. Returns 1 | nil, err.
function Tcp.shutdown(self, direction)
    check_self(self, "shutdown")
    if direction ~= "send" then
        error(format("bad argument #1 to 'shutdown' (bad shutdown argument: "
                     .. "%s)", tostring(direction)), 2)
    elseif not self.connection or self.write_closed then
        return nil, "closed"
    end
    local err = busy(self, false, true)
    if err then
        return nil, err
    end
    self.connection:shutdown_write()
    self.write_closed = true
    return 1
end


return Tcp
