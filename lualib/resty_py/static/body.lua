-- The body of a file's response, sent in pieces.
--
--   new(r, file, size, source)   source: all bytes, or a descriptor, which is
--                                closed with the request where not before
--   body:send()     the whole or r.ranges, from a light thread; true | false
--                   where the response cannot be completed
--   body:release()  closes the descriptor
--   close_all()     closes those of all: the worker has stopped
--
-- Rules:
--
-- 1. A piece is as large as one of output_buffers. No more is in memory beside
--    what the client has not taken yet, which is little: the light thread
--    waits for the client. What a parent keeps has none to wait for.
-- 2. The length has been told. A file that has become shorter ends the response
--    where it ends, and with it the connection.
-- 3. After some pieces the light thread waits for the next look at the
--    descriptors, however fast the client is.
--
-- Follows ngx_output_chain.c and ngx_read_file.

local calls = require "resty_py.static.calls"
local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local files = require "resty_py.static.files"
local log = require "resty_py.log"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local arm = deadlines.arm
local drop = deadlines.drop
local failed = files.failed
local format = string.format
local gsub = string.gsub
local hold = require "resty_py.request".hold
local is_passed_on = response.is_passed_on
local min = math.min
local new_deadline = deadlines.new
local pairs = pairs
local park = scheduler.park
local setmetatable = setmetatable
local sub = string.sub
local type = type
local upper = string.upper
local write = response.write

-- Bytes that may wait for the client while the next are read.
local LOW_WATER = 65536
-- Pieces sent in a row.
local TURN = 8

local Body = {}
Body.__index = Body

local _M = {}

-- Set of those with a descriptor.
local opened = {}


function _M.new(r, file, size, source)
    local self = setmetatable({
        r = r,
        file = file,
        size = size,
        data = type(source) == "string" and source or nil,
        fd = type(source) == "number" and source or nil,
        piece = r.settings.output_buffers.size,
        turn = TURN,
        deadline = nil,
    }, Body)
    if self.fd then
        hold(r, self)
        opened[self] = true
    end
    return self
end


function Body:release()
    local fd = self.fd
    if fd then
        self.fd = nil
        opened[self] = nil
        calls.close(fd)
    end
end


function _M.close_all()
    for body in pairs(opened) do
        body:release()
    end
end


-- Undoes the waiting of a light thread that is killed.
function Body:forget()
    drop(self.deadline)
end


-- Lets others run, those too that have something to read by now.
local function rest(self)
    self.turn = TURN
    self.deadline = self.deadline or new_deadline()
    arm(self.deadline, clock.mono, scheduler.current)
    park(self)
end


-- Sends a piece and waits while too much is unsent.
--   last   nothing comes after it
local function put(self, data, last)
    local r = self.r
    if not write(r, data, last) then
        return false
    elseif not is_passed_on(r) then
        return true
    end
    self.turn = self.turn - 1
    if self.turn == 0 and not last then
        rest(self)
    end
    return r.downstream:push_back(LOW_WATER) or false
end


-- Logs why a piece of `wanted` bytes cannot be read.
local function log_failure(self, data, wanted, err, code)
    if data then
        log.request(self.r, log.ALERT, format('pread() read only %d of %d from '
                                              .. '"%s"', #data, wanted,
                                              self.file))
    else
        log.request(self.r, log.CRIT, failed(self.file, gsub(err, "^.", upper),
                                             code, "pread()"))
    end
end


-- Returns up to `wanted` bytes from offset `first` on | nil, err, code.
local function read_some(self, first, wanted)
    local source = self.data
    if not source then
        return calls.read(self.fd, first, wanted)
    elseif first == 0 and wanted == #source then
        return source
    end
    return sub(source, first + 1, first + wanted)
end


-- Returns `wanted` bytes from offset `first` on | nil, which is logged.
local function read(self, first, wanted)
    local data, err, code = read_some(self, first, wanted)
    if data and #data == wanted then
        return data
    end
    log_failure(self, data, wanted, err, code)
end


-- Sends the bytes from offset `first` to before `after`.
--   last   nothing comes after them
local function send_span(self, first, after, last)
    while first < after do
        local wanted = min(self.piece, after - first)
        local data = read(self, first, wanted)
        first = first + wanted
        if not data or not put(self, data, last and first == after) then
            return false
        end
    end
    return true
end


local function send_several(self, ranges)
    for i = 1, #ranges do
        local range = ranges[i]
        if not put(self, range.head, false)
            or not send_span(self, range[1], range[2], false)
        then
            return false
        end
    end
    return put(self, ranges.closing, true)
end


function Body:send()
    local ranges = self.r.ranges
    if not ranges then
        return send_span(self, 0, self.size, true)
    elseif ranges[2] then
        return send_several(self, ranges)
    end
    return send_span(self, ranges[1][1], ranges[1][2], true)
end


return _M
