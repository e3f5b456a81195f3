-- The TCP cosocket: ngx.socket.tcp and the request socket, but for reading
-- (receive.lua, until.lua), pools (keepalive.lua) and options.
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
--   pending       the connection that is being made
--   eof           whether the peer has ended the stream
--   kind          nil, or "body" | "raw" for the request socket
--   connecting, reading, writing   true while a light thread does so
--   *_timeout     seconds; nil: the request's default
--   key, pool     its pool's name, and the pool that counts it
--   reused        how often its connection came from a pool
--
-- Follows ngx_http_lua_socket_tcp.c: the checks, their order, the texts.

local check = require "resty_py.net.check"
local dial = require "resty_py.net.dial"
local keepalive = require "resty_py.net.keepalive"
local log = require "resty_py.log"
local options = require "resty_py.net.tcp_options"
local phases = require "resty_py.request.phases"
local pools = require "resty_py.net.pool"
local target = require "resty_py.net.target"
local tcp_tls = require "resty_py.net.tcp_tls"
local text_of = require "resty_py.net.text".text_of

local bad_argument = check.bad_argument
local busy = check.busy
local check_count = check.count
local check_self = check.self
local make = dial.connect
local error = error
local format = string.format
local ipairs = ipairs
local debug_log = log.debug
local debugs = log.debugs
local log_closed = check.log_closed
local log_error = dial.log_error
local log_failure = check.log_failure
local log_timeout = check.log_timeout
local lower = string.lower
local pairs = pairs
local select = select
local setmetatable = setmetatable
local sub = string.sub
local timeout_of = check.timeout
local tonumber = tonumber
local tostring = tostring
local truncate = check.truncate
local type = type

local YIELDABLE = phases.YIELDABLE
local check_phase = phases.check
local current_request = phases.request

local Tcp = {}
Tcp.__index = Tcp

for _, methods in ipairs {options, keepalive, tcp_tls} do
    for name, method in pairs(methods) do
        Tcp[name] = method
    end
end

local _M = {methods = Tcp}


-- Lifetime ------------------------------------------------------------------


-- A subrequest's sockets last as long as its main request.
local function own(self, r)
    self.request = r
    local main = r.main or r
    local sockets = main.sockets
    if not sockets then
        main.sockets = {self}
    elseif self.listed ~= main then
        sockets[#sockets + 1] = self
    end
    self.listed = main
end


-- Closes the socket whatever it is doing; the request's end calls it.
function Tcp:release()
    local connection, pool = self.connection or self.pending, self.pool
    self.connection, self.pending, self.pool = nil, nil, nil
    if self.kind then
        return
    end
    if connection then
        connection:close()
    end
    if pool then
        pool:release()
    end
end


-- Closes the socket that a light thread waited for when it was killed.
function Tcp:forget(thread)
    local connection = self.connection or self.pending
    if connection then
        connection:forget(thread)
    end
    self.connecting, self.reading, self.writing = false, false, false
    self:release()
end


-- After an error a side of the socket is closed for good; with both gone
-- nothing is left to keep open.
function Tcp:close_side(side)
    self[side .. "_closed"] = true
    if self.read_closed and self.write_closed then
        self:release()
    end
end


function Tcp.close(...)
    check_count("close", select("#", ...))
    local r = current_request()
    local self = ...
    check_self(self, "close")
    if not (self.connection or self.pending) then
        return nil, "closed"
    elseif self.request ~= r then
        error("bad request", 2)
    end
    local err = busy(self, true, true)
    if err then
        return nil, err
    end
    self:release()
    return 1
end


-- Timeouts ------------------------------------------------------------------


function Tcp.settimeout(...)
    check_count("settimeout", select("#", ...))
    local self, value = ...
    check_self(self, "settimeout")
    local seconds = timeout_of(value)
    self.connect_timeout = seconds
    self.send_timeout = seconds
    self.read_timeout = seconds
end


function Tcp.settimeouts(...)
    check_count("settimeouts", select("#", ...))
    local self, connect, send, read = ...
    check_self(self, "settimeouts")
    self.connect_timeout = timeout_of(connect)
    self.send_timeout = timeout_of(send)
    self.read_timeout = timeout_of(read)
end


-- Connecting ----------------------------------------------------------------


local function bad_option(name, what, value)
    return nil, format('bad "%s" option %s: %s', name, what, value)
end


-- Returns the option's value, nil where it is not given | nil, err.
local function whole_option(given, name, least)
    local value = given[name]
    local number = tonumber(value)
    if number then
        number = truncate(number)
        if number < least then
            return bad_option(name, "value", format("%d", number))
        end
        return number
    elseif value ~= nil and name ~= "backlog" then
        return bad_option(name, "type", type(value))
    end
end


-- Reads connect's options: pool size and backlog, nil where not given, and
-- the pool's key | nil, nil, nil, err.
local function read_options(given, settings)
    local size, err = whole_option(given, "pool_size", 1)
    if err then
        return nil, nil, nil, err
    end
    local backlog
    backlog, err = whole_option(given, "backlog", 0)
    if err then
        return nil, nil, nil, err
    end
    local key = given.pool
    local kind = type(key)
    if kind ~= "number" and kind ~= "string" and key ~= nil then
        return nil, nil, nil, 'bad "pool" option type: ' .. kind
    end
    return size or backlog and settings.lua_socket_pool_size, backlog,
        key and tostring(key)
end


local function find_pool(self, size, backlog, r)
    local pool = pools.find(self.key)
    if not pool and size then
        pool = pools.create(self.key, size, backlog, r)
    end
    return pool
end


-- Returns the key of the default pool, and the port, nil for unix sockets |
-- nil, err.
local function place(host, port)
    local number = tonumber(port)
    if number then
        number = truncate(number)
        if number < 0 or number > 65535 then
            return nil, format("bad port number: %d", number)
        end
        return format("%s:%d", host, number), number
    elseif lower(sub(host, 1, 5)) == "unix:" then
        return host
    end
    return nil, "missing the port number"
end


-- Takes a connection from the pool, or makes one that the pool counts.
local function connect_pooled(self, r, pool, host, port, timeout)
    local connection, reused = pool:take(r)
    if connection then
        return connection, reused
    end
    local admitted, err = pool:admission(timeout, self)
    if not admitted then
        if err == "timeout" then
            log_error(r, format("lua tcp socket queued connect timed out, "
                                .. "when trying to connect to %s:%d", host,
                                port or 0))
        end
        return nil, err
    elseif admitted ~= true then
        return admitted, err
    end
    self.pool = pool
    connection, err = make(self, r, host, port, timeout)
    if not connection then
        self.pool = nil
        pool:release()
        return nil, err
    end
    return connection, 0
end


local function log_connecting(self, r, timeout)
    if self.bind_address then
        debug_log(r, "lua tcp socket bind ip: " .. self.bind_address)
    end
    log_timeout(r, "connect", timeout)
end


local function open(self, r, host, port, size, backlog)
    local timeout = self.connect_timeout
        or r.settings.lua_socket_connect_timeout
    local pool = find_pool(self, size, backlog, r)
    if debugs(r) then
        log_connecting(self, r, timeout)
    end
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
    self.read_closed, self.write_closed, self.eof = nil, nil, nil
    self.pool = pool
    self.reused = pool and extra or 0
    return 1
end


-- Readies a socket that has been used for another connect.
-- Returns true | nil, err.
local function reuse(self, r)
    local err = busy(self, true, true)
    if err then
        return nil, err
    end
    if self.connection then
        debug_log(r, "lua tcp socket reconnect without shutting down")
    end
    debug_log(r, "lua reuse socket upstream ctx")
    self:release()
    return true
end


-- sock:connect(host, port, opts?) | sock:connect("unix:path", opts?)
-- Returns 1 | nil, err.
function Tcp.connect(...)
    local n = select("#", ...)
    check_count("connect", n)
    local r = check_phase(YIELDABLE)
    local self, host, port = ...
    check_self(self, "connect")
    if type(host) ~= "string" and type(host) ~= "number" then
        bad_argument(2, "string expected, got " .. type(host))
    end
    host = tostring(host)
    local given = select(n, ...)
    local size, backlog, key, err
    if type(given) == "table" then
        size, backlog, key, err = read_options(given, r.settings)
        if err then
            bad_argument(n, err)
        end
        port = n == 4 and port or nil
    end
    local default, number = place(host, port)
    if not default then
        return nil, number
    elseif self.request and self.request ~= r then
        error("bad request", 2)
    end
    self.key = key or default
    if self.request then
        local ok
        ok, err = reuse(self, r)
        if not ok then
            return nil, err
        end
    end
    own(self, r)
    return open(self, r, host, number, size, backlog)
end


-- sock:bind(address, port?): our end of the connections to come.
-- Returns true | nil, "bad address".
function Tcp.bind(...)
    check_count("bind", select("#", ...))
    check_phase(YIELDABLE)
    local self, address, port = ...
    check_self(self, "bind")
    if type(address) ~= "string" and type(address) ~= "number" then
        bad_argument(2, "string expected, got " .. type(address))
    end
    address = tostring(address)
    if not (target.is_ipv4(address) or target.is_ipv6(address)) then
        return nil, "bad address"
    end
    self.bind_address = address
    self.bind_port = tonumber(port)
    return true
end


-- Sending -------------------------------------------------------------------


-- Ends a write that failed: the socket cannot be written to any more.
local function send_failed(self, r, err)
    if err == "timeout" then
        log_error(r, "lua tcp socket write timed out")
    elseif err ~= "closed" then
        log_failure(r, "send()", err,
                    self.connection and self.connection.code, self.kind)
    end
    self:close_side("write")
    return nil, err
end


-- sock:send(data): a string, number, boolean, nil or (nested) array.
-- Returns the bytes sent | nil, err; an error closes the socket.
function Tcp.send(...)
    check_count("send", select("#", ...))
    local r = current_request()
    local self, data = ...
    check_self(self, "send")
    local connection = self.connection or self.pending
    if not connection or not connection.fd or self.write_closed then
        log_closed(self, "send", ", ft:0 eof:" .. (self.eof and 1 or 0))
        return nil, "closed"
    elseif self.request ~= r then
        error("bad request", 2)
    end
    local err = busy(self, false, true)
    if err then
        return nil, err
    end
    if type(data) ~= "string" then
        data, err = text_of(data)
        if err then
            bad_argument(2, err)
        end
    end
    if data == "" then
        return 0
    end
    local timeout = self.send_timeout or r.settings.lua_socket_send_timeout
    if debugs(r) then
        log_timeout(r, "send", timeout)
    end
    self.writing = true
    local ok
    ok, err = connection:write(data, timeout, self)
    self.writing = false
    if not ok then
        return send_failed(self, r, err)
    elseif self.kind then
        r.sent = r.sent + #data
    end
    return #data
end


-- Returns a new socket, not connected.
function _M.new()
    return setmetatable({
        request = nil,
        connection = nil,
        pending = nil,
        kind = nil,
        connecting = false,
        reading = false,
        writing = false,
        connect_timeout = nil,
        send_timeout = nil,
        read_timeout = nil,
        read_closed = nil,
        write_closed = nil,
        eof = nil,
        key = nil,
        pool = nil,
        reused = 0,
    }, Tcp)
end


_M.own = own

return _M
