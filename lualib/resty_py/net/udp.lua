-- The UDP cosocket: ngx.socket.udp.
--
-- One datagram is one receive. A socket belongs to the request that set its
-- peer; one light thread at a time may read it.
--
-- Follows ngx_http_lua_socket_udp.c.

local check = require "resty_py.net.check"
local connections = require "resty_py.net.connection"
local dial = require "resty_py.net.dial"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"
local resolve = require "resty_py.net.resolve".resolve
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"
local tcp = require "resty_py.net.tcp"
local text_of = require "resty_py.net.text".text_of

local check_phase = phases.check
local check_self = check.self
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local log_error = dial.log_error
local lower = string.lower
local net = native.net
local own = tcp.own
local recv = sys.recv
local select = select
local send = sys.send
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type

local TIMEOUT = scheduler.TIMEOUT
local YIELDABLE = phases.YIELDABLE

-- The largest datagram that receive() gives: UDP_MAX_DATAGRAM_SIZE.
local MAX_DATAGRAM = 8192

local Udp = {}
Udp.__index = Udp

local _M = {}


-- Closes the socket; the request's end calls it.
function Udp:release()
    local connection = self.connection
    if connection then
        self.connection = nil
        connection:close()
    end
end


local function usable(self)
    if not self.connection then
        return nil, "closed"
    elseif self.request ~= scheduler.current.request then
        error("bad request", 3)
    end
    return true
end


-- Setting the peer ----------------------------------------------------------


local function adopt(self, fd, err)
    if not fd then
        return nil, err
    end
    local connection
    connection, err = connections.adopt(fd)
    if not connection then
        return nil, err
    end
    self.connection = connection
    return 1
end


local function set_unix_peer(self, host)
    return adopt(self, net.udp_unix(sub(host, 6)))
end


local function set_peer(self, host, port)
    local addresses, err = resolve(host)
    if not addresses then
        return nil, err
    end
    local to = addresses[1]
    return adopt(self, net.udp(to.family, to.address, port, self.bind_address,
                               self.bind_port))
end


local function check_port(port)
    local number = tonumber(port)
    if not number then
        error(format("bad argument #2 to 'setpeername' (number expected, got "
                     .. "%s)", type(port)), 3)
    elseif number < 0 or number > 65535 then
        return nil, format("bad port number: %d", number)
    end
    return floor(number)
end


-- sock:setpeername(host, port) | sock:setpeername("unix:path")
-- Returns 1 | nil, err. Parks while the name is resolved.
function Udp.setpeername(self, host, port)
    if host == nil then
        error("ngx.socket.udp setpeername: expecting 2 or 3 arguments "
              .. "(including the object) but seen 1", 2)
    end
    local r = check_phase(YIELDABLE)
    check_self(self, "setpeername")
    if self.connection then
        usable(self)
        self:release()
    end
    own(self, r)
    host = tostring(host)
    if lower(sub(host, 1, 5)) == "unix:" then
        return set_unix_peer(self, host)
    end
    local number, err = check_port(port)
    if not number then
        return nil, err
    end
    return set_peer(self, host, number)
end


-- sock:bind(address, port?): our end. Returns 1 | nil, "bad address".
function Udp.bind(self, address, port)
    check_self(self, "bind")
    if type(address) ~= "string" or not find(address, "^[%x.:%[%]]+$") then
        return nil, "bad address"
    end
    self.bind_address = address
    self.bind_port = port
    return 1
end


-- Datagrams -----------------------------------------------------------------


-- sock:send(data): one datagram. Returns 1 | nil, err.
function Udp.send(self, data, ...)
    if select("#", ...) > 0 then
        error("expecting 2 arguments (including the object), but got "
              .. 2 + select("#", ...), 2)
    end
    check_phase(YIELDABLE)
    check_self(self, "send")
    local ok, err = usable(self)
    if not ok then
        return nil, err
    end
    if type(data) ~= "string" then
        data = text_of(data, "send")
    end
    ok, err = send(self.connection.fd, data, 1)
    if not ok then
        return nil, err
    end
    return 1
end


local function read(self, timeout)
    local connection = self.connection
    while true do
        local data, err = recv(connection.fd, MAX_DATAGRAM)
        if data or err ~= "again" then
            return data, err
        elseif connection:wait_readable(timeout) == TIMEOUT then
            return nil, "timeout"
        elseif not connection.fd then
            return nil, "closed"
        end
    end
end


-- sock:receive(size?): the next datagram, cut to `size` bytes.
-- Returns data | nil, err. Parks.
function Udp.receive(self, size)
    local r = check_phase(YIELDABLE)
    check_self(self, "receive")
    local most = size and tonumber(size) or MAX_DATAGRAM
    local ok, err = usable(self)
    if not ok then
        return nil, err
    elseif self.reading then
        return nil, "socket busy"
    end
    self.reading = true
    local data
    data, err = read(self, self.timeout or r.settings.lua_socket_read_timeout)
    self.reading = false
    if not data then
        if err == "timeout" then
            log_error(r, "lua udp socket read timed out")
        end
        return nil, err
    end
    return #data > most and sub(data, 1, most) or data
end


-- sock:settimeout(ms)
function Udp.settimeout(self, timeout)
    local ms = floor(tonumber(timeout) or 0)
    if ms < 0 or ms > 0x7fffffff then
        error("bad timeout value", 2)
    end
    self.timeout = ms > 0 and ms / 1000 or nil
end


-- sock:close(): 1 | nil, "closed".
function Udp.close(self)
    check_self(self, "close")
    local ok, err = usable(self)
    if not ok then
        return nil, err
    elseif self.reading then
        return nil, "socket busy"
    end
    self:release()
    return 1
end


-- Returns a new socket without a peer.
function _M.new()
    return setmetatable({
        request = nil,
        listed = nil,
        connection = nil,
        reading = false,
        timeout = nil,
    }, Udp)
end


return _M
