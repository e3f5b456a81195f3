-- A downstream: one client's connection, from accept to close.
--
-- It is an item of the scheduler without a coroutine: while it waits between
-- requests it costs a few small tables. Rules:
--
-- 1. `step` is what the next wake-up does: reading a request head, or
--    lingering before the close.
-- 2. While a request is served the downstream does not read: its light
--    threads do, from the same connection, so what they leave of the body
--    and the next pipelined request stay in the connection's buffer.
-- 3. One request at a time; the next head is parsed when the response of
--    this one has been handed to the kernel to the last byte.
-- 4. Output the socket does not take waits in order (pending.lua) and goes
--    out as the socket becomes writable, whatever the light threads do
--    meanwhile. Those that produce more than PENDING_MAX wait in push_back().
-- 5. A request is logged when its response has left, or is lost: until then
--    it is `ending`.
--
-- Timeouts and closes follow ngx_http_request.c.

local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local fragment = require "resty_py.http.fragment"
local h11 = require "resty_py.http.h11"
local head = require "resty_py.http.head"
local log = require "resty_py.log"
local native = require "resty_py.native"
local no_head = require "resty_py.http.no_head"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local broken_off = no_head.broken_off
local disarm = deadlines.disarm
local failed_call = log.failed_call
local find = string.find
local parse = head.parse
local pay = require "resty_py.garbage".pay
local post = scheduler.post
local restore_remote = require "resty_py.request.remote".restore
local new_pending = require "resty_py.http.pending".new
local next_number = require "resty_py.net.connection".next_number
local setmetatable = setmetatable
local sub = string.sub
local timed_out = no_head.timed_out
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

-- What nginx calls the line of a request that came with the one before it.
local PIPELINED_LINE = "client pipelined request line"

-- Bytes read at once while a head is awaited: the sum of nginx's default
-- client_header_buffer_size and a large buffer, rounded to a power of two.
local READ_SIZE = 16384
-- Unsent output above which a light thread waits before it makes more. nginx
-- has no such limit: it keeps whatever a handler prints in memory.
local PENDING_MAX = 1048576
-- Seconds that a client may be idle before the worker's end closes it: its next
-- request may be on its way. keepalive_min_timeout of nginx 1.27.4, 0 there.
local KEEPALIVE_MIN = 0.2

local Downstream = {}
Downstream.__index = Downstream

-- `active`: connections; `waiting`: those of them that wait for the next
-- request; `fresh`: those that have had none; `accepted` and `served`:
-- connections and requests since the start.
local _M = {active = 0, waiting = 0, fresh = 0, accepted = 0, served = 0}

-- What is called when a connection or a request has been counted, or nil.
local on_count


function _M.tell(f)
    on_count = f
end



-- Takes over an accepted connection.
--   connection  net.connection
--   address     the client's sockaddr bytes
--   listener    the listener it came by (listener.lua)
function _M.open(connection, address, listener)
    _M.active, _M.fresh = _M.active + 1, _M.fresh + 1
    _M.accepted = _M.accepted + 1
    if on_count then
        on_count()
    end
    local self = setmetatable({
        parked = false,
        value = nil,
        step = nil,
        connection = connection,
        address = address,
        remote = nil,
        peer = nil,
        listener = listener,
        endpoint = nil,
        settings = listener.settings,
        number = next_number(),
        requests = 0,
        opened = clock.mono,
        pipelined = false,
        scan = nil,
        request = nil,
        ending = nil,
        pending = nil,
        after_drain = nil,
        failed = nil,
    }, Downstream)
    connection.readable = false
    if listener.greet then
        listener.greet(self, self.settings.client_header_timeout)
    else
        self:await_head(self.settings.client_header_timeout)
    end
    return self
end


function Downstream:run(event)
    if self.connection.fd then
        return self:step(event)
    end
end


-- Parks until there is something to read, at most `timeout` seconds.
function Downstream:await(step, timeout)
    local connection = self.connection
    self.step = step
    self.parked = true
    if timeout then
        arm(connection.read_timer, clock.mono + timeout, self)
    elseif not connection.read_timer.waiter then
        -- It ran out in the turn that brought what was just read.
        return wake(self, TIMEOUT)
    end
    if connection.readable then
        wake(self)
    else
        connection.reader = self
    end
end


local function set_idle(self, is_idle)
    local idle = self.listener.idle
    if is_idle and not idle[self] then
        idle[self] = true
        _M.waiting = _M.waiting + 1
    elseif not is_idle and idle[self] then
        idle[self] = nil
        _M.waiting = _M.waiting - 1
    end
end


-- Logs the request whose response was on its way.
function Downstream:conclude()
    local r = self.ending
    if r then
        self.ending = nil
        self.listener.conclude(r)
        if self.peer then
            restore_remote(self)
        end
    end
end


function Downstream:close()
    self:conclude()
    if self.connection.fd then
        _M.active = _M.active - 1
        if self.requests == 0 then
            _M.fresh = _M.fresh - 1
        end
        set_idle(self, false)
        self.pending = nil
        self.connection:close()
    end
end


-- Ends an idle connection as the worker stops: not one whose next request is
-- there, or may be on its way. What comes is answered with Connection: close.
function Downstream:dismiss()
    local timer = self.connection.read_timer
    local since = timer.due - self.settings.keepalive_timeout
    if self.connection:is_quiet() then
        if since + KEEPALIVE_MIN > clock.mono then
            return arm(timer, since + KEEPALIVE_MIN, self)
        end
        return self:close()
    end
end


-- Ends the connection when the runtime itself has failed in it.
function Downstream:give_up()
    local r = self.request
    if r and not r.terminated then
        r:abandon()
    end
    return self:close()
end


-- What the client has come to: where others listen on the same port, that of
-- its address.
function Downstream:own_endpoint()
    local endpoint = self.endpoint
    if not endpoint then
        endpoint = self.listener.endpoint
        if endpoint.others then
            local host = native.net["local"](self.connection.fd)
            endpoint = endpoint.others[host] or endpoint
        end
        self.endpoint = endpoint
    end
    return endpoint
end


-- Reading a head ----------------------------------------------------------


local function read_head(self, event)
    if event == TIMEOUT then
        return timed_out(self)
    end
    local connection = self.connection
    local data, err = connection:read_now(READ_SIZE)
    if data then
        local first = connection:is_drained()
        connection:put_back(data)
        return self:parse_head(first)
    elseif err == "again" then
        return self:await(read_head)
    end
    return broken_off(self, err)
end


-- Waits for the next head: `timeout` seconds for its first byte. A client that
-- has sent nothing yet is not idle: it may have much to say.
function Downstream:await_head(timeout)
    set_idle(self, self.requests > 0)
    return self:await(read_head, timeout)
end


-- first: these are the first bytes of a head. Its own time begins; that of a
-- connection's first head runs since it was accepted.
function Downstream:parse_head(first)
    local connection = self.connection
    local buffer, position = connection.buffer, connection.position
    self.settings = self.listener.settings
    local limits = self.settings.head_limits
    local found, next, detail = parse(buffer, position, limits, self.scan)
    if next == "h11" then
        found, next, detail = h11.parse(buffer, position, limits)
    end
    if found then
        if found.notes then
            self:log_notes(found)
        end
        return self:begin(found, next)
    elseif next ~= "again" then
        return self:refuse(next, detail)
    end
    self.scan = detail
    if first then
        set_idle(self, false)
    end
    return self:await(read_head, first and self.requests > 0
                      and self.settings.client_header_timeout)
end


-- Logs what was dropped of a head.
function Downstream:log_notes(found)
    for i = 1, #found.notes do
        log.head(self, found, log.INFO, found.notes[i])
    end
end


-- Serving -----------------------------------------------------------------


local function count_request(self)
    local number = self.requests + 1
    self.requests = number
    _M.served = _M.served + 1
    if number == 1 then
        _M.fresh = _M.fresh - 1
    end
    if on_count then
        on_count()
    end
end


function Downstream:begin(found, next)
    local connection = self.connection
    self.scan = nil
    count_request(self)
    set_idle(self, false)
    disarm(connection.read_timer)
    connection.reader = nil
    if next > #connection.buffer then
        connection.buffer = ""
        connection.position = 1
    else
        connection.position = next
    end
    return self.listener.serve(self, found)
end


-- Ends a request that could not be read.
--   code     its status
--   reason   what is logged
function Downstream:refuse(code, reason, without_answer)
    local connection = self.connection
    disarm(connection.read_timer)
    connection.reader = nil
    set_idle(self, false)
    count_request(self)
    local in_line = find(reason, "client request line$")
    if in_line and self.pipelined then
        reason = sub(reason, 1, in_line - 1) .. PIPELINED_LINE
    end
    local known = fragment.read(connection.buffer, connection.position,
                                self.settings.head_limits, in_line)
    return self.listener.refuse(self, known, code, reason, without_answer)
end


local function next_head(self)
    return self:parse_head(true)
end


-- Ends the connection without another word.
function Downstream:cut()
    self:conclude()
    self.request = nil
    self.pending = nil
    return self:close()
end


-- Called when a response is complete and handed down.
--   keepalive  whether another request may follow
--   linger     whether the client may still be sending
function Downstream:finish(keepalive, linger)
    self.request = nil
    if self.pending then
        self.after_drain = {keepalive, linger}
        return
    end
    if self.failed or not self.connection.fd then
        return self:close()
    elseif keepalive and not self.listener.draining then
        return self:keep_alive()
    elseif self:should_linger(linger) then
        return self:linger()
    end
    return self:close()
end


-- Whether the client has sent what nobody has read: the kernel would answer a
-- close with a reset, which can overtake the response.
function Downstream:has_unread()
    return not self.connection:is_drained() or self.connection:has_more()
end


-- lingering_close: whether the client may still be sending, or has sent.
function Downstream:should_linger(linger)
    local mode = self.settings.lingering_close
    return mode == "always"
        or mode == "on" and (linger or self:has_unread())
end


function Downstream:keep_alive()
    self.pipelined = not self.connection:is_drained()
    if not self.pipelined then
        return self:await_head(self.settings.keepalive_timeout)
    end
    self.step = next_head
    return post(self)
end


-- Lingering close -----------------------------------------------------------


local function discard(self, event)
    local data, err
    if event ~= TIMEOUT and clock.mono < self.linger_until then
        repeat
            data, err = self.connection:read_now(READ_SIZE)
        until not data
        if err == "again" then
            return self:await(discard, self.settings.lingering_timeout)
        end
    end
    return self:close()
end


-- Says that nothing more comes, and reads what is still on its way, so that
-- the client is not reset before it has read the answer.
function Downstream:linger()
    self.connection:take_buffer()
    self.connection:shutdown_write()
    self.linger_until = clock.mono + self.settings.lingering_time
    return self:await(discard, self.settings.lingering_timeout)
end


-- Sending -------------------------------------------------------------------


-- Sends `data`, now or as the socket takes it.
-- Returns true | nil, err when the client is gone.
function Downstream:send(data)
    if self.failed then
        return nil, self.failed
    end
    local pending = self.pending
    if pending then
        pending:append(data)
        return true
    end
    local r = self.request
    if r and (r.limit_rate or r.settings.limit_rate) then
        self.pending = new_pending(self, data, 1)
        post(self.pending)
        return true
    end
    local from, err = self.connection:write_now(data, 1)
    if not from then
        self.failed = err
        log.request(self.request, log.INFO,
                    failed_call("send", err, self.connection.code))
        return nil, err
    elseif from <= #data then
        self.pending = new_pending(self, data, from)
        self.pending:await()
    end
    return true
end


-- Parks the current light thread while more than `limit` bytes are unsent.
-- Returns true | nil, err.
function Downstream:push_back(limit)
    while self.pending and self.pending.size > limit do
        local thread = scheduler.current
        local pending = self.pending
        pending.waiting[thread] = true
        pay()
        local err = scheduler.park(pending)
        if err then
            return nil, err
        end
    end
    if self.failed then
        return nil, self.failed
    end
    return true
end


-- Bytes that the kernel has not taken.
function Downstream:unsent()
    return self.pending and self.pending.size or 0
end


-- Whether so much output waits that its maker should.
function Downstream:is_congested()
    return self.pending and self.pending.size > PENDING_MAX
end


-- All that was pending has been sent.
function Downstream:output_sent()
    self:conclude()
    local after = self.after_drain
    if after then
        self.after_drain = nil
        return self:finish(after[1], after[2])
    end
end


-- The client cannot be written to: a response that was complete is over.
function Downstream:output_failed()
    self:conclude()
    if self.after_drain then
        self.after_drain = nil
        return self:close()
    end
end


_M.PENDING_MAX = PENDING_MAX

return _M
