-- Request heads: the fast path.
--
-- Sans-IO: bytes in, a head (see meaning.lua), a refusal, or a wish for more
-- bytes out. Rules:
--
-- 1. A head is read line by line, as nginx reads it, and refused at the line
--    where nginx refuses it, with its status and its words: a bad first line
--    need not wait for the rest. Only a bad byte in a line whose end is still
--    to come waits for that end, unless it is in the first METHOD_GLANCE
--    bytes, so that a TLS hello is answered at once.
-- 2. Lines end with LF, with or without a CR, as for nginx and h11.
-- 3. A request line or header line seen before is not read again: the memory
--    of lines gives its record (memo.lua). So a head costs, per line, one
--    search for LF, one substring and one table lookup.
-- 4. What nginx takes and h11 might not makes a head odd: it is read to its
--    end and handed to h11 (h11.lua), which has the last word.
-- 5. A head that is not complete is its own hint: handed back with more bytes
--    it goes on where it stopped, so feeding byte by byte is linear.
-- 6. Empty lines before the request line are skipped, as nginx does. They are
--    the one thing that h11 would refuse in every head.
--
-- Cost on LuaJIT, five usual header lines: about 0.3 microseconds; the same
-- lines never seen before: about 3.

local byte = string.byte
local field = require "resty_py.http.field"
local find = string.find
local header_buffers = require "resty_py.http.header_buffers"
local meaning = require "resty_py.http.meaning"
local pairs = pairs
local request_line = require "resty_py.http.request_line"
local sub = string.sub

local admit = meaning.admit
local known_fields = field.lines
local look_up_field = field.lookup
local look_up_line = request_line.lookup
local new_head = meaning.new
local pack = header_buffers.pack
local set_line = meaning.set_line
local settle = meaning.settle

local CR, LF = byte("\r"), byte("\n")
-- Bytes of an unfinished request line that are looked at for its method.
local METHOD_GLANCE = 32
-- Bytes of empty lines before a request line; nginx takes any number of them,
-- but it need not keep them.
local EMPTY_MAX = 1024

local DEFAULTS = {
    -- client_header_buffer_size 1k
    header_buffer = 1024,
    -- large_client_header_buffers 4 8k
    large_count = 4,
    large_buffer = 8192,
    -- max_headers 1000
    max_headers = 1000,
    -- underscores_in_headers off
    underscores = false,
    -- ignore_invalid_headers on
    ignore_invalid = true,
    -- merge_slashes on
    merge_slashes = true,
}

local _M = {}


-- Completes a table of limits, named as in DEFAULTS, for parse().
function _M.limits(given)
    local limits = {}
    for name, default in pairs(DEFAULTS) do
        limits[name] = default
    end
    for name, value in pairs(given or {}) do
        limits[name] = value
    end
    limits.room = header_buffers.room(limits)
    limits.known_lines = limits.merge_slashes and request_line.merging
        or request_line.exact
    return limits
end


-- Waiting for more bytes ------------------------------------------------------


-- Goes on from an unfinished head; its caller may have moved the buffer.
local function resume(head, from)
    local shift = from - head.origin
    head.origin = from
    head.first = head.first + shift
    head.next = head.next + shift
    head.searched = head.searched + shift
    if head.packing then
        head.packing.pos = head.packing.pos + shift
    end
    return head
end


-- Checks a head of more than limits.room bytes against nginx's buffers; next
-- and rest as for pack().
-- Returns true | nil, status, reason.
local function fits(head, buffer, from, limits, next, rest)
    local packing = head.packing
    if not packing then
        packing = header_buffers.new(limits, head.first, head.first - from)
        head.packing = packing
    end
    return pack(packing, buffer, limits, next, rest)
end


-- Keeps an unfinished head whose next line begins at `next`.
local function pause(head, buffer, from, limits, next)
    local size = #buffer
    if size >= head.first + limits.room - 1 then
        local ok, status, reason = fits(head, buffer, from, limits, next,
                                        size - next + 1)
        if not ok then
            return nil, status, reason
        end
    end
    head.origin = from
    head.searched = size + 1
    head.next = next
    return nil, "again", head
end


-- The request line ---------------------------------------------------------


-- Index of the last byte of the line that the LF at `stop` ends.
local function last_of_line(buffer, stop)
    if byte(buffer, stop - 1) == CR then
        return stop - 2
    end
    return stop - 1
end


local function skip_empty_lines(buffer, from)
    local code = byte(buffer, from)
    while code == CR or code == LF do
        from = from + 1
        code = byte(buffer, from)
    end
    return from
end


-- Whether what came of the request line can be one.
local function may_start(buffer, first)
    return first > #buffer
        or request_line.may_start(sub(buffer, first, first + METHOD_GLANCE))
end


local function await_line(head, buffer, from, limits, first)
    if first - from > EMPTY_MAX then
        return nil, 400, request_line.BAD_REQUEST
    elseif not may_start(buffer, first) then
        return nil, 400, request_line.BAD_METHOD
    end
    return pause(head, buffer, from, limits, first)
end


local function check_long_line(head, buffer, from, limits, next)
    if not may_start(buffer, head.first) then
        return nil, 400, request_line.BAD_METHOD
    end
    return fits(head, buffer, from, limits, next)
end


-- Returns the record of the request line | nil, "again" or status, head or
-- reason.
local function read_line(head, buffer, from, limits)
    local first = skip_empty_lines(buffer, head.next)
    local stop = find(buffer, "\n", head.searched or first, true)
    head.first = first
    if not stop then
        return await_line(head, buffer, from, limits, first)
    end
    if stop >= first + limits.room then
        local ok, status, reason = check_long_line(head, buffer, from, limits,
                                                   stop + 1)
        if not ok then
            return nil, status, reason
        end
    end
    head.next = stop + 1
    head.searched = nil
    local known = limits.known_lines
    local text = sub(buffer, first, last_of_line(buffer, stop))
    local line = known.young[text]
    if line then
        return line
    end
    return look_up_line(known, text)
end


-- The header lines ----------------------------------------------------------


local function finish(head, buffer, next)
    local settled, status, reason = settle(head)
    if not settled then
        return nil, status, reason
    elseif head.odd or head.line.odd then
        return nil, "h11"
    end
    head.buffer = buffer
    head.next = next
    return head, next
end


local function read_fields(head, buffer, from, limits)
    local next, searched, n = head.next, head.searched or head.next, head.n
    local safe = head.first + limits.room
    local most = limits.max_headers
    while true do
        local stop = find(buffer, "\n", searched, true)
        if not stop then
            head.n = n
            return pause(head, buffer, from, limits, next)
        end
        if stop >= safe then
            local ok, status, reason = fits(head, buffer, from, limits,
                                            stop + 1)
            if not ok then
                return nil, status, reason
            end
        end
        local last = last_of_line(buffer, stop)
        if last < next then
            head.n = n
            return finish(head, buffer, stop + 1)
        end
        local text = sub(buffer, next, last)
        local record, fault = known_fields.young[text], nil
        if not record then
            record, fault = look_up_field(text)
            if not record then
                return nil, 400, fault
            end
        end
        if record.special or n >= most then
            local status, reason
            n, status, reason = admit(head, n, record, limits)
            if not n then
                return nil, status, reason
            end
        else
            n = n + 1
            head[n] = record
        end
        next = stop + 1
        searched = next
    end
end


-- Reads a request head.
--   buffer   what has been received
--   from     index of the first byte that belongs to no earlier request
--   limits   as limits() makes them
--   scan     what the last call answered to the same head, or nil
-- Returns
--   head, next           as in meaning.lua; next: the first byte behind it
--   nil, "again", scan   it is not complete
--   nil, "h11"           it is complete, and h11 decides (h11.lua)
--   nil, status, reason  nginx would answer 400, 405, 414, 494, 501 or 505
--                        and log `reason` at level info
function _M.parse(buffer, from, limits, scan)
    local head = scan and resume(scan, from) or new_head(from)
    if not head.line then
        local line, status, reason = read_line(head, buffer, from, limits)
        if not line then
            return nil, status, reason
        end
        set_line(head, line)
    end
    if head.version < 10 then
        return finish(head, buffer, head.next)
    end
    return read_fields(head, buffer, from, limits)
end


-- Reading a head ------------------------------------------------------------


-- Returns the first value of the header called `key` (lower case), or nil.
function _M.get(head, key)
    for i = 1, head.n do
        if head[i].lower == key then
            return head[i].value
        end
    end
end


-- Returns the bytes of the head, from the request line to the empty line
-- (ngx.req.raw_header).
--   no_line   leave the request line out
function _M.raw(head, no_line)
    local first = head.first
    if no_line then
        first = find(head.buffer, "\n", first, true) + 1
    end
    return sub(head.buffer, first, head.next - 1)
end


return _M
