-- The UDP cosocket: ngx.socket.udp.
--
-- One datagram is one receive. A socket belongs to the request that set its
-- peer; one light thread at a time may use it, others find it busy.
--
-- Fields of a socket:
--
--   request       whose it is, nil before the first setpeername
--   connection    net.connection; nil when closed
--   waiting       true while a light thread resolves or receives
--   timeout       seconds; nil: the request's default
--
-- Follows ngx_http_lua_socket_udp.c: the checks, their order, the texts.

local check = require "resty_py.net.check"
local connections = require "resty_py.net.connection"
local dial = require "resty_py.net.dial"
local log = require "resty_py.log"
local native = require "resty_py.native"
local phases = require "resty_py.request.phases"
local resolve = require "resty_py.net.resolve".resolve
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"
local target = require "resty_py.net.target"
local tcp = require "resty_py.net.tcp"
local text_of = require "resty_py.net.text".text_of

local check_count = check.count
local check_phase = phases.check
local check_self = check.self
local current_request = phases.request
local error = error
local format = string.format
local log_closed = check.log_closed
local log_error = dial.log_error
local log_failure = check.log_failure
local net = native.net
local own = tcp.own
local recv = sys.recv
local select = select
local send = sys.send
local setmetatable = setmetatable
local spend = scheduler.spend
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local truncate = check.truncate
local type = type

local TIMEOUT = scheduler.TIMEOUT
local YIELDABLE = phases.YIELDABLE

-- The largest datagram that receive() gives: UDP_MAX_DATAGRAM_SIZE.
local MAX_DATAGRAM = 65536

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


-- Closes the socket that a light thread waited for when it was killed.
function Udp:forget(thread)
    if self.connection then
        self.connection:forget(thread)
    end
    self.waiting = false
    self:release()
end


-- Returns true where the socket can be used | nil, err; an error in any
-- request but its own, at the line that called the method.
local function ready(self, r)
    if not self.connection then
        return nil, "closed"
    elseif self.request ~= r then
        error("bad request", 3)
    elseif self.waiting then
        return nil, "socket busy"
    end
    return true
end


-- Setting the peer ----------------------------------------------------------


local function adopt(self, r, fd, err, code)
    if not fd then
        check.log_call(r, log.CRIT, "connect()", err, code)
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


local function set_address(self, r, to)
    return adopt(self, r, net.udp(to.family, to.address, to.port,
                                  self.bind_address, self.bind_port))
end


local function set_unix(self, r, to)
    return adopt(self, r, net.udp_unix(to.path))
end


local function set_name(self, r, to)
    self.waiting = true
    local addresses, err = resolve(to.name, self)
    self.waiting = false
    if not addresses then
        return nil, err
    end
    local address = addresses[1]
    address.port = to.port
    return set_address(self, r, address)
end


local SET = {address = set_address, name = set_name, unix = set_unix}


-- What is wrong with the arguments of setpeername, or nil.
local function bad_peer(n, host, port)
    if type(host) ~= "string" and type(host) ~= "number" then
        return format("bad argument #1 to 'setpeername' (string expected, "
                      .. "got %s)", type(host))
    elseif n == 3 and not tonumber(port) then
        return format("bad argument #2 to 'setpeername' (number expected, "
                      .. "got %s)", type(port))
    end
end


-- sock:setpeername(host, port) | sock:setpeername("unix:path")
-- Returns 1 | nil, err. Parks while the name is resolved.
function Udp.setpeername(...)
    local n = select("#", ...)
    check_count("setpeername", n)
    local r = check_phase(YIELDABLE)
    local self, host, port = ...
    check_self(self, "setpeername")
    local err = bad_peer(n, host, port)
    if err then
        error(err, 2)
    end
    local number = truncate(tonumber(port) or 0)
    if number < 0 or number > 65535 then
        return nil, format("bad port number: %d", number)
    elseif self.request and self.request ~= r then
        error("bad request", 2)
    elseif self.waiting then
        return nil, "socket busy"
    end
    self:release()
    own(self, r)
    local to
    to, err = target.parse(tostring(host), number)
    if not to then
        return nil, err
    end
    return SET[to.kind](self, r, to)
end


-- sock:bind(address, port?): our end. Returns true | nil, "bad address".
function Udp.bind(...)
    check_count("bind", select("#", ...))
    check_phase(YIELDABLE)
    local self, address, port = ...
    check_self(self, "bind")
    address = tostring(address)
    if not (target.is_ipv4(address) or target.is_ipv6(address)) then
        return nil, "bad address"
    end
    self.bind_address = address
    self.bind_port = tonumber(port)
    return true
end


-- Datagrams -----------------------------------------------------------------


-- sock:send(data): one datagram. Returns 1 | nil, err.
function Udp.send(...)
    check_count("send", select("#", ...))
    local r = current_request()
    local self, data = ...
    check_self(self, "send")
    spend()
    local ok, err = ready(self, r)
    if not ok then
        if err == "closed" then
            log_closed(self, "send")
        end
        return nil, err
    end
    if type(data) ~= "string" then
        data, err = text_of(data)
        if err then
            error(format("bad argument #1 to 'send' (%s)", err), 2)
        end
    end
    local code
    ok, err, code = send(self.connection.fd, data, 1)
    if not ok then
        log_failure(r, "send()", err, code)
        return nil, err
    end
    return 1
end


local function read(self, timeout)
    local connection = self.connection
    spend(self)
    while connection.fd do
        local data, err, code = recv(connection.fd, MAX_DATAGRAM)
        if data or err ~= "again" then
            return data, err, code
        elseif connection:wait_readable(timeout, self) == TIMEOUT then
            return nil, "timeout"
        end
    end
    return nil, "closed"
end


-- How much of a datagram is wanted; nil where `size` is no number.
local function wanted(size)
    local number = size == nil and MAX_DATAGRAM or tonumber(size)
    if number and (number < 0 or number > MAX_DATAGRAM) then
        return MAX_DATAGRAM
    end
    return number and truncate(number)
end


local function failed(r, err, code)
    if err == "timeout" then
        log_error(r, "lua udp socket read timed out")
    elseif err ~= "closed" then
        log_failure(r, "recv()", err, code)
    end
    return nil, err
end


-- sock:receive(size?): the next datagram, cut to `size` bytes.
-- Returns data | nil, err. Parks.
function Udp.receive(...)
    check_count("receive", select("#", ...))
    local r = current_request()
    local self, size = ...
    check_self(self, "receive")
    local ok, err = ready(self, r)
    if not ok then
        if err == "closed" then
            log_closed(self, "receive")
        end
        return nil, err
    end
    local most = wanted(size)
    if not most then
        error(format("bad argument #1 to 'receive' (number expected, got %s)",
                     type(size)), 2)
    end
    local data, code
    self.waiting = true
    data, err, code = read(self, self.timeout
                           or r.settings.lua_socket_read_timeout)
    self.waiting = false
    if not data then
        return failed(r, err, code)
    end
    return #data > most and sub(data, 1, most) or data
end


-- sock:settimeout(ms)
function Udp.settimeout(...)
    check_count("udp_settimeout", select("#", ...))
    local self, value = ...
    check_self(self, "settimeout")
    local ms = truncate(tonumber(value) or 0)
    self.timeout = ms > 0 and ms / 1000 or nil
end


-- sock:close(): 1 | nil, "closed".
function Udp.close(...)
    check_count("close", select("#", ...))
    local r = current_request()
    local self = ...
    check_self(self, "close")
    local ok, err = ready(self, r)
    if not ok then
        return nil, err
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
        waiting = false,
        timeout = nil,
    }, Udp)
end


return _M
