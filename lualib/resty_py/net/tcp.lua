-- The TCP cosocket: ngx.socket.tcp and the request socket, but for reading
-- (receive.lua, until.lua).
--
-- A socket belongs to the request that connected it; any other one that
-- uses it gets the error "bad request". One light thread at a time may
-- connect, one may read and one may write; a second is refused with "socket
-- busy …".
--
-- Fields of a socket:
--
--   request       whose it is, nil before the first connect
--   connection    net.connection; nil when closed
--   kind          nil, or "body" | "raw" for the request socket
--   connecting, reading, writing   true while a light thread does so
--   *_timeout     seconds; nil: the request's default
--   key, pool     its pool's name, and the pool that counts it
--   reused        how often its connection came from a pool
--
-- Follows ngx_http_lua_socket_tcp.c: the checks, their order, the texts.

local check = require "resty_py.net.check"
local dial = require "resty_py.net.dial"
local options = require "resty_py.net.tcp_options"
local phases = require "resty_py.request.phases"
local pools = require "resty_py.net.pool"
local text_of = require "resty_py.net.text".text_of

local busy = check.busy
local check_self = check.self
local make = dial.connect
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local log_closed = check.log_closed
local log_error = dial.log_error
local lower = string.lower
local pairs = pairs
local select = select
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type

local YIELDABLE = phases.YIELDABLE
local check_phase = phases.check
local current_request = phases.request

local Tcp = {}
Tcp.__index = Tcp

for name, method in pairs(options) do
    Tcp[name] = method
end

local _M = {methods = Tcp}


-- Lifetime ------------------------------------------------------------------


local function own(self, r)
    self.request = r
    local sockets = r.sockets
    if not sockets then
        r.sockets = {self}
    elseif self.listed ~= r then
        sockets[#sockets + 1] = self
    end
    self.listed = r
end


-- Closes the socket whatever it is doing; the request's end calls it.
function Tcp:release()
    local connection = self.connection or self.pending
    self.connection, self.pending = nil, nil
    if not connection or self.kind then
        return
    end
    connection:close()
    local pool = self.pool
    if pool then
        self.pool = nil
        pool:release()
    end
end


-- After an error a side of the socket is closed for good; with both gone
-- nothing is left to keep open.
function Tcp:close_side(side)
    self[side .. "_closed"] = true
    if self.read_closed and self.write_closed then
        self:release()
    end
end


function Tcp.close(self)
    check_self(self, "close")
    current_request()
    if not self.connection then
        return nil, "closed"
    end
    local err = busy(self, true, true)
    if err then
        return nil, err
    elseif self.kind then
        error("attempt to close a request socket", 2)
    end
    self:release()
    return 1
end


-- Timeouts ------------------------------------------------------------------


local function seconds(value)
    local ms = floor(tonumber(value) or 0)
    if ms < 0 or ms > 0x7fffffff then
        error("bad timeout value", 3)
    end
    return ms > 0 and ms / 1000 or nil
end


function Tcp.settimeout(self, timeout, ...)
    if type(self) ~= "table" or select("#", ...) > 0 then
        error("ngx.socket settimeout: expecting 2 arguments "
              .. "(including the object) but seen "
              .. select("#", self, timeout, ...), 2)
    end
    local value = seconds(timeout)
    self.connect_timeout = value
    self.send_timeout = value
    self.read_timeout = value
end


function Tcp.settimeouts(self, connect, send, read)
    self.connect_timeout = seconds(connect)
    self.send_timeout = seconds(send)
    self.read_timeout = seconds(read)
end


-- Connecting ----------------------------------------------------------------


local function bad_option(index, name, kind, value)
    error(format("bad argument #%d to 'connect' (bad \"%s\" option %s: %s)",
                 index - 1, name, kind, value), 0)
end


local function whole_option(given, name, least, index)
    local value = given[name]
    if value == nil then
        return nil
    end
    local number = tonumber(value)
    if not number then
        if name == "backlog" then
            return nil
        end
        bad_option(index, name, "type", type(value))
    elseif number < least then
        bad_option(index, name, "value", format("%d", number))
    end
    return floor(number)
end


local function pool_key(given, index)
    local key = given.pool
    local kind = type(key)
    if kind == "number" or kind == "string" then
        return tostring(key)
    elseif key ~= nil then
        bad_option(index, "pool", "type", kind)
    end
end


-- Sets what the given say; returns pool size and backlog, or nil.
local function pool_options(self, given, index, settings)
    local size = whole_option(given, "pool_size", 1, index)
    local backlog = whole_option(given, "backlog", 0, index)
    if backlog and not size then
        size = settings.lua_socket_pool_size
    end
    self.key = pool_key(given, index)
    return size, backlog
end


local function find_pool(self, size, backlog)
    local pool = pools.find(self.key)
    if not pool and size then
        pool = pools.create(self.key, size, backlog)
    end
    return pool
end


-- Returns host, port | nil, err; port is nil for unix sockets.
local function target(host, port)
    local number = type(port) ~= "table" and tonumber(port)
    if number then
        number = floor(number)
        if number < 0 or number > 65535 then
            return nil, "bad port number: " .. number
        end
        return host, number
    elseif lower(sub(host, 1, 5)) == "unix:" then
        return host
    end
    return nil, "missing the port number"
end


-- Takes a connection from the pool, or makes one that the pool counts.
local function connect_pooled(self, r, pool, host, port, timeout)
    local connection, reused = pool:take()
    if connection then
        return connection, reused
    end
    local admitted, err = pool:admission(timeout)
    if not admitted then
        if err == "timeout" then
            log_error(r, "lua tcp socket queued connect timed out, when "
                        .. "trying to connect to " .. host
                        .. (port and ":" .. port or ""))
        end
        return nil, err
    elseif admitted ~= true then
        return admitted, err
    end
    connection, err = make(self, r, host, port, timeout)
    if not connection then
        pool:release()
        return nil, err
    end
    return connection, 0
end


local function open(self, r, host, port, size, backlog)
    local timeout = self.connect_timeout
        or r.settings.lua_socket_connect_timeout
    local pool = find_pool(self, size, backlog)
    local connection, extra
    self.connecting = true
    if pool then
        connection, extra = connect_pooled(self, r, pool, host, port, timeout)
    else
        connection, extra = make(self, r, host, port, timeout)
    end
    self.connecting = false
    if not connection then
        return nil, extra
    end
    self.connection = connection
    self.read_closed, self.write_closed, self.timed_out = nil, nil, nil
    self.pool = pool
    self.reused = pool and extra or 0
    return 1
end


-- sock:connect(host, port, opts?) | sock:connect("unix:path", opts?)
-- Returns 1 | nil, err.
function Tcp.connect(self, host, port, given, ...)
    if host == nil or select("#", ...) > 0 then
        error("ngx.socket connect: expecting 2, 3, or 4 arguments (including "
              .. "the object), but seen "
              .. (host == nil and 1 or 4 + select("#", ...)), 2)
    end
    local r = check_phase(YIELDABLE)
    check_self(self, "connect")
    if type(host) ~= "string" and type(host) ~= "number" then
        error(format("bad argument #1 to 'connect' (string expected, got %s)",
                     type(host)), 2)
    end
    host = tostring(host)
    local size, backlog
    self.key = nil
    if type(given) == "table" then
        size, backlog = pool_options(self, given, 4, r.settings)
    elseif type(port) == "table" then
        size, backlog = pool_options(self, port, 3, r.settings)
    end
    local name, number = target(host, port)
    if not name then
        return nil, number
    end
    self.key = self.key or number and host .. ":" .. port or host
    if self.request then
        local err
        if self.connection or self.connecting then
            err = busy(self, true, true)
        end
        if err then
            return nil, err
        elseif self.kind then
            error("attempt to re-connect a request socket", 2)
        end
        self:release()
    end
    own(self, r)
    return open(self, r, name, number, size, backlog)
end


-- sock:bind(address, port?): our end of the connections to come.
function Tcp.bind(self, address, port)
    check_self(self, "bind")
    if type(address) ~= "string" then
        error(format("bad argument #1 to 'bind' (string expected, got %s)",
                     type(address)), 2)
    elseif not find(address, "^[%x.:%[%]]+$") then
        return nil, "bad address"
    end
    self.bind_address = address
    self.bind_port = port
    return 1
end


-- Sending -------------------------------------------------------------------


-- sock:send(data): a string, number, boolean, nil or (nested) array.
-- Returns the bytes sent | nil, err; an error closes the socket.
function Tcp.send(self, data, ...)
    if select("#", ...) > 0 then
        error("expecting 2 arguments (including the object), but got "
              .. 2 + select("#", ...), 2)
    end
    local r = current_request()
    check_self(self, "send")
    local connection = self.connection
    if not connection or not connection.fd or self.write_closed then
        log_closed(self, "send")
        return nil, "closed"
    end
    local err = busy(self, false, true)
    if err then
        return nil, err
    elseif self.kind == "body" then
        error("attempt to write to request sockets", 2)
    end
    if type(data) ~= "string" then
        data = text_of(data, "send")
    end
    if data == "" then
        return 0
    end
    self.writing = true
    local ok
    ok, err = connection:write(data, self.send_timeout
                               or r.settings.lua_socket_send_timeout)
    self.writing = false
    if not ok then
        if err == "timeout" then
            log_error(r, "lua tcp socket write timed out")
        end
        self:close_side("write")
        return nil, err
    end
    return #data
end


-- Keepalive -----------------------------------------------------------------


local function keepalive_pool(self, size, settings)
    local pool = pools.find(self.key)
    if pool then
        return pool
    end
    size = size and tonumber(size) or settings.lua_socket_pool_size
    if size <= 0 then
        error(format("bad argument #2 to 'setkeepalive' "
                     .. "(bad \"pool_size\" option value: %d)", size), 3)
    end
    return pools.create(self.key, size)
end


-- sock:setkeepalive(timeout_ms?, size?)
-- Returns 1 | nil, err.
function Tcp.setkeepalive(self, timeout, size, ...)
    if select("#", ...) > 0 then
        error("expecting 1 to 3 arguments (including the object), but got "
              .. 3 + select("#", ...), 2)
    end
    check_self(self, "setkeepalive")
    local connection = self.connection
    if not connection or not connection.fd or self.read_closed
        or self.write_closed or connection.ended
    then
        return nil, "closed"
    end
    local r = current_request()
    local err = busy(self, true, true)
    if err then
        return nil, err
    elseif not connection:is_drained() then
        return nil, "unread data in buffer"
    elseif self.timed_out then
        return nil, "invalid connection"
    elseif pools.draining then
        self:release()
        return 1
    end
    local pool = keepalive_pool(self, size, r.settings)
    local seconds_idle = timeout and tonumber(timeout) / 1000
        or r.settings.lua_socket_keepalive_timeout
    local counted = self.pool == pool
    self.connection = nil
    self.pool = nil
    local ok
    ok, err = pool:put(connection, counted, seconds_idle, self.reused)
    if not ok then
        return nil, err
    end
    return 1
end


function Tcp.getreusedtimes(self)
    check_self(self, "getreusedtimes")
    if not self.connection then
        return nil, "closed"
    end
    return self.reused or 0
end


-- Returns a new socket, not connected.
function _M.new()
    return setmetatable({
        request = nil,
        connection = nil,
        kind = nil,
        connecting = false,
        reading = false,
        writing = false,
        connect_timeout = nil,
        send_timeout = nil,
        read_timeout = nil,
        read_closed = nil,
        write_closed = nil,
        timed_out = nil,
        key = nil,
        pool = nil,
        reused = 0,
    }, Tcp)
end


_M.own = own

return _M
