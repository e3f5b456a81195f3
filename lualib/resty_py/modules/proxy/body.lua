-- The body of an upstream's response passes to the client as it comes.
--
--   pass(r, u)   true: all of it has | nil, "closed" | "timeout" | "invalid" |
--                "error", which is logged, or u.failure, which was | nil: it
--                cannot be sent
--   skip(u)      there is none: what has come with the head is too much
--
-- Rules:
--
-- 1. Of what is buffered pieces of proxy_buffer_size go on, as nginx fills
--    one buffer before it sends it; without it each goes as it comes, and so
--    do chunks.
-- 2. What is so buffered of a subrequest goes on when all has come, but for
--    chunks that nobody captures.
-- 3. Nobody makes more than the client takes: past the client's share of
--    memory the upstream is read no more. nginx writes to a file instead.
-- 4. u.is_complete tells whether the connection can carry another request.
--
-- Follows ngx_http_proxy_copy_filter, ngx_http_proxy_chunked_filter and
-- ngx_event_pipe.c.

local chunked = require "resty_py.http.chunked"
local log = require "resty_py.log"
local response = require "resty_py.http.response"

local concat = table.concat
local setmetatable = setmetatable
local sub = string.sub

local READ_SIZE = 65536
local READING, SENDING = "reading upstream", "sending to client"

local TOO_MUCH = "upstream sent more data than specified in "
    .. '"Content-Length" header'
local AFTER_END = "upstream sent data after final chunk"

local Pipe = {}
Pipe.__index = Pipe

local _M = {}


-- To the client --------------------------------------------------------------


local function push_back(r)
    local downstream = r.downstream
    if downstream.pending and downstream:is_congested()
        and response.is_passed_on(r)
    then
        return downstream:push_back(r.settings.output_low_water)
    end
    return true
end


local function send_now(r)
    return r.parent and response.hand_on(r) or response.flush(r)
end


local function write(self, data)
    local r = self.request
    if data == "" then
        return true
    elseif not response.write(r, data) then
        return nil
    elseif not self.is_buffered and not send_now(r) then
        return nil
    end
    return push_back(r)
end


local function drain(self)
    local data = concat(self.pieces, "", 1, self.n)
    self.pieces, self.n, self.size = {}, 0, 0
    return write(self, data)
end


-- The same before the end, at once.
local function pass_on(self)
    if self.is_held or self.n == 0 then
        return true
    end
    return drain(self) and response.hand_on(self.request)
end


-- Takes a piece of the body. Returns true | nil.
local function put(self, data)
    if not self.is_buffered then
        return write(self, data)
    end
    self.n = self.n + 1
    self.pieces[self.n] = data
    self.size = self.size + #data
    return self.size < self.limit or pass_on(self)
end


-- From the upstream ----------------------------------------------------------


-- Returns what has come with the head, then what comes | nil, err.
local function next_piece(self)
    local u = self.upstream
    local rest = u.rest
    u.rest = nil
    if rest and rest ~= "" then
        u.state.length = #rest
        return rest
    elseif u.failure then
        return nil, u.failure
    elseif not u.connection.readable then
        u.action = READING
    end
    local data, err = u.connection:read_some(
        READ_SIZE, u.read_timeout or u.request.settings.proxy_read_timeout, u)
    if data then
        u.state.received = u.state.received + #data
        u.state.length = u.state.length + #data
    end
    return data, err and u.failure or err
end


local function pass_counted(self, left)
    local u = self.upstream
    while left > 0 do
        local data, err = next_piece(self)
        if not data then
            return nil, err
        elseif #data > left then
            u.has_more = true
            data = sub(data, 1, left)
        end
        left = left - #data
        if not put(self, data) then
            return nil
        end
    end
    u.is_complete = not u.has_more and (u.rest or "") == ""
    if not u.is_complete then
        u:log(log.WARN, TOO_MUCH)
    end
    return true
end


local function pass_chunked(self)
    local state = chunked.new()
    while not state.done do
        local data, err = next_piece(self)
        if not data then
            return nil, err
        end
        local used, pieces, n = chunked.feed(state, data, 1)
        if not used then
            return nil, "invalid"
        end
        for i = 1, n do
            if not put(self, pieces[i]) then
                return nil
            end
        end
        if not state.done and not pass_on(self) then
            return nil
        end
        self.upstream.is_complete = used > #data
    end
    if not self.upstream.is_complete then
        self.upstream:log(log.WARN, AFTER_END)
    end
    return true
end


local function pass_to_end(self)
    while true do
        local data, err = next_piece(self)
        if err == "closed" then
            return true
        elseif not data then
            return nil, err
        elseif not put(self, data) then
            return nil
        end
    end
end


local TEXTS = {
    closed = "upstream prematurely closed connection",
    timeout = "upstream timed out (110: Connection timed out)",
    invalid = "upstream sent invalid chunked response",
}


local function log_failure(u, err)
    u:log(log.ERR, TEXTS[err]
          or log.failed_call("recv", err, u.connection and u.connection.code))
end


local function pass(self, head)
    if head.is_chunked then
        return pass_chunked(self)
    elseif head.length then
        return pass_counted(self, head.length)
    end
    return pass_to_end(self)
end


function _M.skip(u)
    u.is_complete = u.rest == ""
    u.state.length = #u.rest
    if not u.is_complete then
        u.action = READING
        u:log(log.WARN, TOO_MUCH)
    end
end


local function is_kept_whole(r, u)
    return r.captured ~= nil or not u.head.is_chunked
end


function _M.pass(r, u)
    u.action = u.is_buffered and READING or SENDING
    local self = setmetatable({request = r, upstream = u, pieces = {}, n = 0,
                               size = 0, limit = r.settings.proxy_buffer_size,
                               is_buffered = u.is_buffered,
                               is_held = u.is_buffered and r.parent ~= nil
                                   and is_kept_whole(r, u)}, Pipe)
    local ok, err = pass(self, u.head)
    if err and not u.failure then
        log_failure(u, err)
    end
    -- nginx drops what is in a buffer that the upstream did not fill in time.
    if err ~= "timeout" and not u.failure and not drain(self) then
        return nil
    end
    return ok, err
end


return _M
