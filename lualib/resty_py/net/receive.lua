-- Reading from a TCP cosocket: receive, receiveany, receiveuntil.
--
-- A reader takes what it needs from the connection's buffer and asks for
-- more when that is too little. What it took before a timeout or the end of
-- the stream is the third result, and is consumed. Methods check their
-- arguments after the socket, as OpenResty does.
--
-- A request socket (kind "body") may read no more than its body: `left`
-- bytes are still to come.
--
-- Follows ngx_http_lua_socket_tcp.c.

local check = require "resty_py.net.check"
local dial = require "resty_py.net.dial"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local to_text = require "resty_py.api.scalar".to_text
local until_ = require "resty_py.net.until"

local bad_argument = check.bad_argument
local busy = check.busy
local debug_log = log.debug
local debugs = log.debugs
local byte = string.byte
local check_count = check.count
local check_self = check.self
local concat = table.concat
local current_request = phases.request
local error = error
local find = string.find
local format = string.format
local getinfo = debug.getinfo
local gsub = string.gsub
local log_closed = check.log_closed
local log_error = dial.log_error
local log_failure = check.log_failure
local log_timeout = check.log_timeout
local min = math.min
local select = select
local spend = scheduler.spend
local sub = string.sub
local tonumber = tonumber
local truncate = check.truncate
local type = type

-- Bytes read at once for a large receive(n) or receive("*a").
local LARGE = 65536

local methods = {}


-- Sources -------------------------------------------------------------------


-- Reads on, at most `max` bytes, past what a body socket may read.
local function more(self, max, timeout)
    local left = self.left
    if left then
        if left == 0 then
            return nil, "closed"
        end
        max = min(max, left)
    end
    local data, err = self.connection:read_some(max, timeout, self)
    if data and left then
        self.left = left - #data
    end
    return data, err
end


-- Puts more into the buffer.
local function fill(self, timeout)
    local data, err = more(self, 16384, timeout)
    if not data then
        return nil, err
    end
    self.connection:put_back(data)
    return true
end


-- Readers -----------------------------------------------------------------


local CR = 13


local function strip_cr(line)
    if find(line, "\r", 1, true) then
        return (gsub(line, "\r", ""))
    end
    return line
end


local function join(pieces, n, last)
    if n == 0 then
        return last
    end
    pieces[n + 1] = last
    return concat(pieces, "", 1, n + 1)
end


local function read_line(self, timeout)
    local connection = self.connection
    local pieces, n
    while true do
        local buffer, position = connection.buffer, connection.position
        local stop = find(buffer, "\n", position, true)
        if stop then
            connection.position = stop + 1
            if n then
                return strip_cr(join(pieces, n, sub(buffer, position,
                                                    stop - 1)))
            end
            local last = stop - 1
            if byte(buffer, last) == CR and last >= position then
                last = last - 1
            end
            return strip_cr(sub(buffer, position, last))
        end
        if position <= #buffer then
            pieces, n = pieces or {}, (n or 0) + 1
            pieces[n] = connection:take_buffer()
        end
        local ok, err = fill(self, timeout)
        if not ok then
            return nil, err, n and strip_cr(concat(pieces, "", 1, n)) or ""
        end
    end
end


local function read_size(self, timeout, size)
    local connection = self.connection
    local position = connection.position
    local last = position + size - 1
    if last <= #connection.buffer then
        connection.position = last + 1
        return sub(connection.buffer, position, last)
    end
    local pieces, n = {connection:take_buffer()}, 1
    local missing = size - #pieces[1]
    while missing > 0 do
        local data, err = more(self, LARGE, timeout)
        if not data then
            return nil, err, concat(pieces, "", 1, n)
        elseif #data > missing then
            connection:unread(data, missing + 1)
            data = sub(data, 1, missing)
        end
        n = n + 1
        pieces[n] = data
        missing = missing - #data
    end
    return concat(pieces, "", 1, n)
end


-- Whether the end of a request socket is the client's, and no proper one.
local function is_client_abort(self)
    return self.kind and (self.left or 1) > 0
        and (self.left or self.request.settings.lua_check_client_abort)
end


local function read_all(self, timeout)
    local pieces, n = {self.connection:take_buffer()}, 1
    while true do
        local data, err = more(self, LARGE, timeout)
        if data then
            n = n + 1
            pieces[n] = data
        elseif err == "closed" and not is_client_abort(self) then
            return concat(pieces, "", 1, n)
        else
            return nil, err, concat(pieces, "", 1, n)
        end
    end
end


local function read_any(self, timeout, max)
    local connection = self.connection
    if connection:is_drained() then
        local ok, err = fill(self, timeout)
        if not ok then
            return nil, err, ""
        end
    end
    return connection:take(max)
end


-- Methods -------------------------------------------------------------------


-- Ends a read that failed: only a timeout leaves the socket readable.
local function failed(self, err, partial)
    local r = self.request
    self.reading = false
    if err == "timeout" then
        log_error(r, "lua tcp socket read timed out")
        return nil, err, partial
    elseif err ~= "closed" then
        log_failure(r, "recv()", err,
                    self.connection and self.connection.code, self.kind)
    else
        self.eof = true
        if is_client_abort(self) then
            err = "client aborted"
        end
    end
    self:close_side("read")
    return nil, err, partial
end


-- What the buffer answers counts as an operation too: a peer that is quick
-- fills it with more than a turn's worth of small reads.
local function done(self, data, err, partial)
    if not data then
        return failed(self, err, partial)
    end
    self.reading = false
    spend()
    return data
end


local function log_not_open(self)
    log_closed(self, "receive", ", ft:0 eof:" .. (self.eof and 1 or 0))
end


-- Returns true where the socket can be read | nil, err; an error in any
-- request but its own, at the line that called the method.
local function ready(self)
    local connection = self.connection or self.pending
    if not connection or not connection.fd or self.read_closed then
        return nil, "closed"
    elseif self.request ~= scheduler.current.request then
        error("bad request", 3)
    end
    local err = busy(self, true, false)
    if err then
        return nil, err
    end
    return true
end


local function read(self, reader, argument)
    local timeout = self.read_timeout
        or self.request.settings.lua_socket_read_timeout
    if debugs(self.request) then
        log_timeout(self.request, "read", timeout)
    end
    self.reading = true
    return done(self, reader(self, timeout, argument))
end


local PATTERNS = {["*l"] = read_line, ["*a"] = read_all}


-- What is wrong with an argument of receive that is no size.
local function bad_pattern(pattern)
    if type(pattern) == "string" and not tonumber(pattern)
        and (#pattern ~= 2 or sub(pattern, 1, 1) ~= "*")
    then
        return "bad pattern argument: " .. pattern
    end
    return "bad pattern argument"
end


-- sock:receive(pattern?): "*l" (default), "*a" or a number of bytes.
-- Returns data | nil, err, partial.
function methods.receive(...)
    local n = select("#", ...)
    check_count("receive", n)
    current_request()
    local self, pattern = ...
    check_self(self, "receive")
    local ok, err = ready(self)
    if not ok then
        if err == "closed" then
            log_not_open(self)
        end
        return nil, err
    elseif n == 1 then
        return read(self, read_line)
    end
    local reader = PATTERNS[pattern]
    if reader then
        return read(self, reader)
    end
    local size = tonumber(pattern)
    size = size and truncate(size)
    if not size or size < 0 then
        bad_argument(2, bad_pattern(pattern))
    elseif size == 0 then
        return ""
    end
    return read(self, read_size, size)
end


-- sock:receiveany(max): whatever comes first, 1 to `max` bytes.
function methods.receiveany(...)
    check_count("receiveany", select("#", ...))
    current_request()
    local self, max = ...
    check_self(self, "receiveany")
    local ok, err = ready(self)
    if not ok then
        if err == "closed" then
            log_not_open(self)
        end
        return nil, err
    end
    local size = tonumber(max)
    size = size and truncate(size)
    if not size or size <= 0 then
        bad_argument(2, "bad max argument")
    end
    local r = self.request
    if debugs(r) then
        debug_log(r, format("lua tcp socket calling receiveany() method to "
                            .. "read at most %d bytes", size))
    end
    return read(self, read_any, size)
end


-- The error of a call of the iterator with no number: it has no name but
-- the one the caller knows it by.
local function bad_size(size, level)
    local info = getinfo(level, "n")
    return format("bad argument #1 to '%s' (number expected, got %s)",
                  info and info.name or "?", type(size))
end


local function iterator(self, state)
    return function(...)
        local n = select("#", ...)
        check_count("iterator", n)
        local size = n == 0 and 0 or tonumber((...))
        if not size then
            error(bad_size((...), 2), 2)
        end
        local ok, err = ready(self)
        if not ok then
            return nil, err
        elseif state.ended then
            state.ended = false
            return nil, nil, nil
        end
        return read(self, until_.read, state:want(truncate(size)))
    end
end


-- What is wrong with the arguments of receiveuntil, and which: nil where it is
-- none in particular.
local function bad_until(n, pattern, options)
    local inclusive = type(options) == "table" and options.inclusive
    if n == 3 and type(options) ~= "table" then
        return "table expected, got " .. type(options), 3
    elseif inclusive and type(inclusive) ~= "boolean" then
        return 'bad "inclusive" option value type: ' .. type(inclusive)
    elseif type(pattern) ~= "string" and type(pattern) ~= "number" then
        return "string expected, got " .. type(pattern), 2
    end
end


-- sock:receiveuntil(pattern, {inclusive = bool}?)
-- Returns an iterator (size?) -> data | nil, err, partial.
function methods.receiveuntil(...)
    local n = select("#", ...)
    check_count("receiveuntil", n)
    current_request()
    local self, pattern, options = ...
    check_self(self, "receiveuntil")
    local err, place = bad_until(n, pattern, options)
    if place then
        bad_argument(place, err)
    elseif err then
        error(err, 2)
    elseif pattern == "" then
        return nil, "pattern is empty"
    end
    return iterator(self, until_.new(to_text(pattern),
                                     options and options.inclusive, fill))
end


return methods
