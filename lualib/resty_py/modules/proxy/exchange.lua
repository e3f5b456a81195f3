-- One exchange with a peer: connecting, sending the request, reading the head
-- of the response.
--
--   new(r)                what is known of r's upstream: r.upstream
--   attempt(u, peer)      true: u.connection and u.head | nil, what failed as
--                         proxy_next_upstream has it, or "over": no other
--                         is to be asked; it is logged
--   u:release()           closes the connection, at the request's end too
--   u:note()              begins what is noted of an attempt: u.state
--
-- Fields of an upstream `u`:
--
--   request, address, group, uri, prefix, is_variable, method
--   state, states   what is noted of attempts: addr, status, connect, header,
--                   response (seconds since `began`), length, received, sent.
--                   Without an addr it tells that an internal redirect lies
--                   between two, or that no peer was chosen
--   connection, uses, opened   the one in use
--   head            of the response (head.lua); rest: body bytes with it
--   is_buffered     whether the response is: proxy_buffering, X-Accel-Buffering
--   is_sent         whether any of the request has gone out
--   code            what the request ends with where an attempt says "over"
--   from            our end of the connections: bind.lua
--   is_streamed, is_unsent, sending, failure   of a body that goes out
--                   as it comes: see sender.lua
--   send_error, send_code   what writing it has failed with
--   connect_timeout, send_timeout, read_timeout   in place of the settings'
--   tries, total_tries, last_failure, balancing   see ngx.balancer
--   draw            see choice.lua
--   action          what the log says it is doing
--
-- Follows ngx_http_upstream_connect, ngx_http_upstream_send_request and
-- ngx_http_upstream_process_header.

local bind = require "resty_py.modules.proxy.bind"
local clock = require "resty_py.clock"
local connections = require "resty_py.net.connection"
local heads = require "resty_py.modules.proxy.head"
local log = require "resty_py.log"
local message = require "resty_py.modules.proxy.message"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local sender = require "resty_py.modules.proxy.sender"
local tls = require "resty_py.modules.proxy.tls"

local FAR = require "resty_py.scheduler.deadlines".FAR
local find = string.find
local gsub = string.gsub
local hold = require "resty_py.request".hold
local net = native.net
local select = select
local setmetatable = setmetatable
local sub = string.sub

local INTERNAL_SERVER_ERROR = 500
local TIMEOUT = scheduler.TIMEOUT
local TIMED_OUT = "upstream timed out (110: Connection timed out)"


-- Linux errors of connect() that say something of the peer (net/dial.lua).
local PEER_ERRORS = {[11] = true, [100] = true, [101] = true, [104] = true,
                     [111] = true, [112] = true, [113] = true}

local CONNECTING = "connecting to upstream"
local SENDING = "sending request to upstream"
local READING_HEAD = "reading response header from upstream"

local Upstream = {}
Upstream.__index = Upstream

local _M = {}


-- Logging --------------------------------------------------------------------


function Upstream:log(level, text)
    return log.request(self.request, level,
                       text .. " while " .. self.action)
end


local function log_call(self, name, err, code)
    return self:log(log.ERR, log.failed_call(name, err, code))
end


-- Lifetime -------------------------------------------------------------------


function Upstream:release()
    if self.sending then
        sender.stop(self)
    end
    local connection = self.connection
    if connection then
        self.connection = nil
        connection:close()
    end
end


-- The thread that waits for it is killed.
function Upstream:forget(thread)
    if self.connection then
        self.connection:forget(thread)
    end
    self:release()
end


function Upstream:note()
    local state = {addr = "", began = clock.mono, received = 0,
                   sent = 0, length = 0, connect = nil, header = nil,
                   status = nil, response = nil}
    self.state = state
    self.states[#self.states + 1] = state
end


-- Connecting -----------------------------------------------------------------


-- Linux errors of bind() (net/dial.lua).
local BIND_ERRORS = {[13] = true, [22] = true, [97] = true, [98] = true,
                     [99] = true}


-- Returns as net.connect.
local function begin_connect(to, from)
    local err, code
    if from then
        err, code = bind.mismatch(from, to)
    end
    if err then
        return nil, err, code
    elseif to.kind == "unix" then
        return net.connect_unix(to.path)
    elseif from then
        return net.connect(to.family, to.address, to.port, from.address,
                           from.port)
    end
    return net.connect(to.family, to.address, to.port)
end


-- Returns true | nil, err, code.
local function establish(self, connection, in_progress, timeout)
    if not in_progress then
        return true
    end
    connection.writable = false
    if connection:wait_writable(timeout, self) == TIMEOUT then
        return nil, "timeout"
    end
    local _, err, code = net.error(connection.fd)
    return not err or nil, err, code
end


local function connect_failed(self, err, code)
    self:release()
    if err == "timeout" then
        self:log(log.ERR, TIMED_OUT)
        return nil, "timeout"
    end
    log_call(self, "connect", err, code)
    return nil, "error"
end


-- Our end cannot be what it is to be: no other peer changes that.
local function bind_failed(self, err, code)
    self.code = INTERNAL_SERVER_ERROR
    self:log(log.CRIT, "bind(" .. self.from.name .. ") failed"
             .. log.error_of(err, code))
    self.state.addr = ""
    return nil, "over"
end


-- The kernel has refused at once.
local function log_refusal(self, name, err, code)
    if self.from and BIND_ERRORS[code] then
        return bind_failed(self, err, code)
    end
    local level = PEER_ERRORS[code] and log.ERR or log.CRIT
    self:log(level, gsub(log.failed_call("connect", err, code), "^connect%(%)",
                         "connect() to " .. gsub(name, "%%", "%%%%"), 1))
    return nil, "error"
end


local function open_connection(self, to, settings)
    local fd, in_progress, code = begin_connect(to, self.from)
    if not fd then
        return log_refusal(self, self.state.addr, in_progress, code)
    end
    local connection, err = connections.adopt(fd)
    if not connection then
        return connect_failed(self, err)
    end
    self.connection, self.uses, self.opened = connection, 0, clock.mono
    if settings.proxy_socket_keepalive then
        net.setoption(fd, "keepalive", 1)
    end
    local ok
    ok, err, code = establish(self, connection, in_progress,
                              self.connect_timeout
                              or settings.proxy_connect_timeout)
    if not ok then
        return connect_failed(self, err, code)
    end
    return true
end


local function connect(self, peer, settings)
    self.action = CONNECTING
    local connection, uses, opened = self.group:take(
        peer, self.address.scheme == "https")
    if connection then
        self.connection, self.uses, self.opened = connection, uses, opened
        self.is_cached = true
    else
        self.is_cached = false
        local ok, err = open_connection(self, peer.to, settings)
        if ok and self.address.scheme == "https" then
            ok, err = tls.shake_hands(self)
        end
        if not ok then
            return nil, err
        end
    end
    self.uses = self.uses + 1
    self.state.connect = clock.mono - self.state.began
    return true
end


-- Sending --------------------------------------------------------------------


local function send_failed(self, err)
    local code = self.connection and self.connection.code
    self:release()
    if err == "timeout" then
        self:log(log.ERR, TIMED_OUT)
        return nil, "timeout"
    end
    log_call(self, "send", err, code)
    return nil, "error"
end


-- An upstream that answers early may have closed: what it said counts.
local function may_have_answered(self)
    return self.connection and self.connection.fd and self.connection.readable
        and self.connection.ended
end


-- Returns true | nil, err.
function Upstream:put(data)
    local state = self.state
    state.sent = state.sent + #data
    return self.connection:write(
        data, self.send_timeout or self.request.settings.proxy_send_timeout,
        self)
end


-- A body that goes out as it comes could not be written. What the upstream has
-- said before counts, so it is read on.
function Upstream:sending_failed(err)
    local connection = self.connection
    if err == "timeout" then
        self.failure = select(2, send_failed(self, err))
        return
    end
    self.send_error, self.send_code = err, connection.code
    connections.dispatch(connection.fd, true, false, true)
end


local function send(self)
    self.action = SENDING
    self.is_sent = true
    local r = self.request
    local head = message.head(r, self)
    if self.is_streamed then
        return sender.start(r, self, head)
    end
    local ok, err = self:put(head)
    if ok then
        ok, err = message.send_body(r, self)
    end
    if not ok and not may_have_answered(self) then
        return send_failed(self, err)
    end
    return true
end


-- Reading the head -----------------------------------------------------------


-- Seconds that may pass before anything comes.
function Upstream:read_patience()
    if self.sending then
        return FAR
    end
    return self.read_timeout or self.request.settings.proxy_read_timeout
end


local function read_failed(self, err)
    if self.failure then
        return nil, self.failure
    elseif self.send_error then
        self:release()
        self.action = SENDING
        log_call(self, "send", self.send_error, self.send_code)
        return nil, "error"
    end
    local code = self.connection and self.connection.code
    self:release()
    if err == "timeout" then
        self:log(log.ERR, TIMED_OUT)
        return nil, "timeout"
    elseif err == "closed" then
        self:log(log.ERR, "upstream prematurely closed connection")
    else
        log_call(self, "recv", err, code)
    end
    return nil, "error"
end


local function invalid(self, text)
    self:release()
    self:log(log.ERR, text)
    return nil, "invalid_header"
end


-- What follows a head: 1xx are none of the response, but for 101.
local function is_interim(head)
    return head.status < 200 and head.status ~= 101
end


-- Reads the head of the response at `from`; returns as heads.read.
local function take_head(text, from)
    local head, next = heads.read(text, from)
    if head and is_interim(head) then
        return take_head(text, next)
    end
    return head, next
end


local function is_http(text)
    local first = sub(text, 1, 5)
    return first == "HTTP/" or find("HTTP/", first, 1, true) == 1
end


local function finish_head(self, head, rest)
    self.head, self.rest = head, rest
    self.state.header = clock.mono - self.state.began
    self.state.status = head.status
    return true
end


local function read_head(self, settings)
    local text, limit = "", settings.proxy_buffer_size
    while true do
        -- Until something has come it is still sending.
        local data, err = self.connection:read_some(
            limit - #text, self:read_patience(), self)
        self.action = READING_HEAD
        if not data then
            return read_failed(self, err)
        end
        self.state.received = self.state.received + #data
        text = text .. data
        if not is_http(text) then
            self:log(log.ERR, "upstream sent no valid HTTP/1.0 header")
            return finish_head(self, heads.none(), text)
        end
        local head, next = take_head(text, 1)
        if head then
            return finish_head(self, head, sub(text, next))
        elseif head == false then
            return invalid(self, next)
        elseif #text >= limit then
            return invalid(self, "upstream sent too big header")
        end
    end
end


function _M.attempt(self, peer)
    local settings = self.request.settings
    local ok, err = connect(self, peer, settings)
    if ok then
        ok, err = send(self)
    end
    if not ok then
        return nil, err
    end
    return read_head(self, settings)
end


function _M.new(r)
    local self = setmetatable({
        request = r,
        states = {nil},
        state = nil,
        began = clock.mono,
        tried = {},
        tries = nil,
        draw = nil,
        address = nil,
        prefix = nil,
        is_variable = nil,
        group = nil,
        uri = nil,
        method = nil,
        body = nil,
        peer = nil,
        action = nil,
        code = nil,
        from = nil,
        connection = nil,
        uses = nil,
        opened = nil,
        is_cached = nil,
        is_sent = nil,
        is_streamed = r.body_state == "reading",
        is_buffered = nil,
        head = nil,
        rest = nil,
        is_complete = nil,
        last_failure = nil,
    }, Upstream)
    hold(r.main or r, self)
    return self
end


return _M
