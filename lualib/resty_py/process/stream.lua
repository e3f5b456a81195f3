-- An end of a pipe to a child process: a connection, and how it is read and
-- written.
--
--   open(fd, chunk, name, label)   a stream | nil, err
--       chunk: bytes to read at once
--       name, label: its own and its process's, for lines of level debug
--
--   stream:read(reader, timeout, argument)   by one of the readers below
--   stream:write(data, timeout)
--   stream:close(reason)      reason: "aborted" | "closed", what those who
--                             wait for it are told
--   stream:is_open()
--
-- Fields: `reader` and `writer`, the light threads that are at it; `pieces`,
-- what the reader has taken so far.
--
-- Rules:
--
-- 1. A pipe is no socket: its connection reads and writes by read() and
--    write(), which the host has on every flavour.
-- 2. What a reader has taken and not given, since its light thread was
--    killed, is what the next one reads first.
-- 3. What was read before an error is the third result, and is consumed.
--
-- Follows ngx_http_lua_pipe.c and ngx_http_lua_input_filters.c.

local connection = require "resty_py.net.connection"
local log = require "resty_py.log"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local adopt = connection.adopt
local concat = table.concat
local debug = log.debug
local find = string.find
local format = string.format
local gsub = string.gsub
local huge = math.huge
local recv = native.sys.recv
local send = native.sys.send
local setmetatable = setmetatable
local sub = string.sub
local upper = string.upper

local EPIPE = 32

local Stream = {}
Stream.__index = Stream

local _M = {readers = {}}


-- The connection ------------------------------------------------------------


-- As Connection:read_now, for a pipe.
local function read_now(self, max)
    if not self.readable then
        return nil, "again"
    end
    local data, err, code = recv(self.fd, max)
    if err == "again" then
        self.readable = false
        self.stream:note_wait("reading")
        return nil, err
    elseif not data then
        self.code = code
        return nil, err
    elseif data == "" then
        return nil, "closed"
    end
    if #data < max and not self.ended then
        self.readable = false
    end
    return data
end


-- As Connection:write_now, for a pipe.
local function write_now(self, data, from)
    local size = #data
    while from <= size and self.writable do
        local sent, err, code = send(self.fd, data, from)
        if sent then
            from = from + sent
        elseif err == "again" then
            self.writable = false
            self.stream:note_wait("writing")
        else
            self.code = code
            return nil, err
        end
    end
    return from
end


function _M.open(fd, chunk, name, label)
    local opened, err = adopt(fd)
    if not opened then
        return nil, err
    end
    opened.read_now = read_now
    opened.write_now = write_now
    opened.stream = setmetatable({
        connection = opened,
        chunk = chunk,
        name = name,
        label = label,
        timeout = huge,
        pieces = nil,
        reader = nil,
        writer = nil,
        reason = nil,
    }, Stream)
    return opened.stream
end


-- What of it waits, and for how long at most.
function Stream:note_wait(what)
    if self.timeout < huge and log.enabled(log.DEBUG) then
        debug(nil, format("lua pipe add timer for %s: %d(ms) %s", what,
                          self.timeout * 1000, self.label))
    end
end


-- Undoes the waiting of a light thread that is killed.
function Stream:forget(thread)
    self.connection:forget(thread)
    if self.writer == thread then
        debug(nil, "lua pipe proc write cleanup")
        self.writer = nil
    end
    if self.reader == thread then
        debug(nil, "lua pipe proc read " .. self.name .. " cleanup")
        self.reader = nil
        self.connection:unread(concat(self.pieces), 1)
    end
end


function Stream:close(reason)
    self.reason = self.reason or reason
    return self.connection:close()
end


function Stream:is_open()
    return self.connection.fd ~= nil
end


-- What happened to the pipe, as strerror() has it.
local function describe(self, err)
    if err == "timeout" then
        return err
    elseif not self.connection.fd then
        return self.reason
    elseif err == "closed" or self.connection.code == EPIPE then
        return "closed"
    end
    return upper(sub(err, 1, 1)) .. sub(err, 2)
end


-- Reading ---------------------------------------------------------------------


local readers = _M.readers


local function more(self, timeout)
    return self.connection:read_some(self.chunk, timeout, self)
end


local function keep(self, piece)
    local pieces = self.pieces
    if piece ~= "" then
        pieces[#pieces + 1] = piece
    end
end


local function all_kept(self)
    return concat(self.pieces)
end


-- Everything up to the end.
function readers.all(self, timeout)
    keep(self, self.connection:take_buffer())
    while true do
        local data, err = more(self, timeout)
        if data then
            keep(self, data)
        elseif err == "closed" and self.connection.fd then
            return all_kept(self)
        else
            return nil, err, all_kept(self)
        end
    end
end


-- `size` bytes.
function readers.bytes(self, timeout, size)
    local pipe = self.connection
    local missing = size
    repeat
        if pipe:is_drained() then
            local data, err = more(self, timeout)
            if not data then
                return nil, err, all_kept(self)
            end
            pipe:put_back(data)
        end
        local piece = pipe:take(missing)
        keep(self, piece)
        missing = missing - #piece
    until missing == 0
    return all_kept(self)
end


-- A line, without its newline and without carriage returns.
function readers.line(self, timeout)
    local pipe = self.connection
    while true do
        local stop = find(pipe.buffer, "\n", pipe.position, true)
        if stop then
            keep(self, pipe:take(stop - pipe.position + 1))
            local line = all_kept(self)
            return (gsub(sub(line, 1, -2), "\r", ""))
        end
        keep(self, pipe:take_buffer())
        local data, err = more(self, timeout)
        if not data then
            return nil, err, (gsub(all_kept(self), "\r", ""))
        end
        pipe:put_back(data)
    end
end


-- Whatever comes first, at most `max` bytes.
function readers.any(self, timeout, max)
    local pipe = self.connection
    if pipe:is_drained() then
        local data, err = more(self, timeout)
        if not data then
            return nil, err, ""
        end
        pipe:put_back(data)
    end
    return pipe:take(max)
end


-- reader: one of the above
-- Returns data | nil, err, what was read before.
function Stream:read(reader, timeout, argument)
    self.reader = scheduler.current
    self.timeout = timeout
    self.pieces = {}
    local data, err, partial = reader(self, timeout, argument)
    self.reader = nil
    self.pieces = nil
    if data then
        return data
    end
    return nil, describe(self, err), partial
end


-- Writing ---------------------------------------------------------------------


-- Returns the number of bytes | nil, err.
function Stream:write(data, timeout)
    self.writer = scheduler.current
    self.timeout = timeout
    local ok, err = self.connection:write(data, timeout, self)
    self.writer = nil
    if ok then
        return #data
    end
    return nil, describe(self, err)
end


return _M
