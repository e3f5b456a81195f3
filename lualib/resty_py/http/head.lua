-- Request heads: the fast path.
--
-- Sans-IO: bytes in, a head (see meaning.lua), a refusal, or a wish for more
-- bytes out. Rules:
--
-- 1. What has been read before is not read again. The request line and the
--    block of header lines behind it are looked up in memories (memo.lua) of
--    those that were read and found good; clients repeat themselves. So most
--    heads cost two searches, two substrings and two table lookups.
-- 2. Any other head is read line by line, as nginx reads it, and refused at
--    the line where nginx refuses it, with its status and its words: a bad
--    first line need not wait for the rest, nor a request line with a bad
--    method or a control character for its end, so that a TLS hello is
--    answered at once. Single lines are looked up in memories too
--    (request_line.lua, field.lua).
-- 3. Lines end with LF, with or without a CR, as for nginx and h11.
-- 4. What nginx takes and h11 might not makes a head odd: it is read to its
--    end and handed to h11 (h11.lua), which has the last word.
-- 5. A head that is not complete has a reading: handed back with more bytes
--    it goes on where it stopped, so feeding byte by byte is linear.
-- 6. Empty lines before the request line are skipped, as nginx does. They are
--    the one thing that h11 would refuse in every head.

local byte = string.byte
local field = require "resty_py.http.field"
local find = string.find
local header_buffers = require "resty_py.http.header_buffers"
local meaning = require "resty_py.http.meaning"
local memo = require "resty_py.http.memo"
local pairs = pairs
local request_line = require "resty_py.http.request_line"
local sub = string.sub

local admit = meaning.admit
local known_records = field.lines
local look_up_field = field.lookup
local look_up_line = request_line.lookup
local new_fields = meaning.new_fields
local pack = header_buffers.pack
local recall = memo.recall
local settle = meaning.settle
local store = memo.store

local CR, LF = byte("\r\n", 1, 2)
-- Bytes of a request line that are looked at, before its end, for its method.
local METHOD_GLANCE = 32
-- Blocks of header lines kept per generation; longer ones are read each time.
local BLOCKS = 128
local BLOCK_LENGTH = 1024

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

local blocks = memo.new(BLOCKS)

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
    limits.lines = limits.merge_slashes and request_line.merging
        or request_line.exact
    return limits
end


-- Index of the last byte of the line that the LF at `stop` ends.
local function last_of_line(buffer, stop)
    if byte(buffer, stop - 1) == CR then
        return stop - 2
    end
    return stop - 1
end


-- What was read before ------------------------------------------------------


-- Returns the fields of the block that begins at `from` and the index behind
-- it, or nil where it has to be read.
local function recall_fields(buffer, from)
    -- The end of the request line may be the first half of the end.
    local stop = find(buffer, "\r\n\r\n", from - 2, true)
    if not stop or stop - from > BLOCK_LENGTH then
        return nil
    end
    local fields = recall(blocks, sub(buffer, from, stop + 3))
    if fields then
        return fields, stop + 4
    end
end


-- A block is remembered when all its lines were known, so not at first sight:
-- many are never seen again. The memory knows nothing of limits, so it takes
-- no block that means something else, or is refused, under others, but for
-- its size and the number of its lines, which recall_head() looks at.
local function remember_fields(fields, buffer, from, next)
    if not (fields.notes or fields.strange) and next - from <= BLOCK_LENGTH then
        store(blocks, sub(buffer, from, next - 1), fields)
    end
end


-- Returns fields, next | nil where the header lines have to be read.
local function recall_head(line, buffer, from, next, limits)
    if line.odd or line.version < 10 then
        return nil
    end
    local fields, behind = recall_fields(buffer, next)
    if fields and behind - from <= limits.room
       and fields.n <= limits.max_headers then
        return fields, behind
    end
end


-- Waiting for more bytes ------------------------------------------------------


-- A head of which the request line is known, or nothing, and which goes on
-- at `next`.
local function new_reading(from, line, next)
    return {origin = from, first = from, next = next, searched = next,
            line = line, fields = line and new_fields(), packing = nil,
            surprised = false}
end


-- Goes on with an unfinished head; its caller may have moved the buffer.
local function resume(reading, from)
    local shift = from - reading.origin
    reading.origin = from
    reading.first = reading.first + shift
    reading.next = reading.next + shift
    reading.searched = reading.searched + shift
    if reading.packing then
        reading.packing.pos = reading.packing.pos + shift
    end
    return reading
end


-- Checks a head of more than limits.room bytes against nginx's buffers; next
-- and rest as for pack().
-- Returns true | nil, status, reason.
local function fits(reading, buffer, limits, next, rest)
    local packing = reading.packing
    if not packing then
        packing = header_buffers.new(limits, reading.first,
                                     reading.first - reading.origin)
        reading.packing = packing
    end
    return pack(packing, buffer, limits, next, rest)
end


-- Waits for the rest of the line that begins at `next`.
local function pause(reading, buffer, limits, next)
    local size = #buffer
    if size >= reading.origin + limits.room - 1 then
        local ok, status, reason = fits(reading, buffer, limits, next,
                                        size - next + 1)
        if not ok then
            return nil, status, reason
        end
    end
    reading.searched = size + 1
    reading.next = next
    return nil, "again", reading
end


-- The request line ---------------------------------------------------------


local function skip_empty_lines(buffer, from)
    local code = byte(buffer, from)
    while code == CR or code == LF do
        from = from + 1
        code = byte(buffer, from)
    end
    return from
end


-- Whether the request line begins with a method.
local function may_start(buffer, first)
    return first > #buffer
        or request_line.may_start(sub(buffer, first, first + METHOD_GLANCE))
end


-- Index of a control character that an unfinished request line cannot have:
-- any but a CR as its last byte, so far.
local function find_control(buffer, from)
    local fault = find(buffer, "[^ -~\128-\255]", from)
    if fault and fault == #buffer and byte(buffer, fault) == CR then
        return nil
    end
    return fault
end


local function await_line(reading, buffer, limits, from)
    local first = reading.first
    if not may_start(buffer, first) then
        return nil, 400, request_line.BAD_METHOD
    end
    -- The last byte seen may have been a CR.
    local fault = find_control(buffer, from > first and from - 1 or first)
    if fault then
        return look_up_line(limits.lines, sub(buffer, first, fault) .. "\0")
    end
    return pause(reading, buffer, limits, first)
end


local function check_long_line(reading, buffer, limits, next)
    if not may_start(buffer, reading.first) then
        return nil, 400, request_line.BAD_METHOD
    end
    return fits(reading, buffer, limits, next)
end


-- Returns the record of the request line | nil, "again" or status, reading
-- or reason.
local function read_line(reading, buffer, limits)
    local first = skip_empty_lines(buffer, reading.next)
    local from = first > reading.searched and first or reading.searched
    local stop = find(buffer, "\n", from, true)
    reading.first = first
    if first - reading.origin > request_line.EMPTY_MAX then
        return nil, 400, request_line.BAD_REQUEST
    elseif not stop then
        return await_line(reading, buffer, limits, from)
    elseif stop >= reading.origin + limits.room then
        local ok, status, reason = check_long_line(reading, buffer, limits,
                                                   stop + 1)
        if not ok then
            return nil, status, reason
        end
    end
    reading.next = stop + 1
    reading.searched = stop + 1
    return look_up_line(limits.lines,
                        sub(buffer, first, last_of_line(buffer, stop)))
end


-- The header lines ----------------------------------------------------------


local function finish(reading, buffer, next)
    local line, fields = reading.line, reading.fields
    local head, status, reason = settle(line, fields, buffer, reading.first,
                                        next)
    if not head then
        return nil, status, reason
    elseif line.odd or fields.odd then
        return nil, "h11"
    end
    return head, next
end


-- The first byte of the block: behind the request line.
local function block_start(reading, buffer)
    return find(buffer, "\n", reading.first, true) + 1
end


local function finish_fields(reading, buffer, next)
    local head, status, reason = finish(reading, buffer, next)
    if head and not reading.surprised then
        remember_fields(reading.fields, buffer, block_start(reading, buffer),
                        next)
    end
    return head, status, reason
end


-- Takes one line. Returns true | nil, status, reason.
local function read_field(reading, text, limits)
    local record = known_records.young[text]
    if not record then
        local reason
        reading.surprised = true
        record, reason = look_up_field(text)
        if not record then
            return nil, 400, reason
        end
    end
    return admit(reading.fields, record, limits)
end


local function read_fields(reading, buffer, limits)
    local next, searched = reading.next, reading.searched
    local safe = reading.origin + limits.room
    local ok, status, reason
    while true do
        local stop = find(buffer, "\n", searched, true)
        if not stop then
            return pause(reading, buffer, limits, next)
        elseif stop >= safe then
            ok, status, reason = fits(reading, buffer, limits, stop + 1)
            if not ok then
                return nil, status, reason
            end
        end
        local last = last_of_line(buffer, stop)
        if last < next then
            return finish_fields(reading, buffer, stop + 1)
        end
        ok, status, reason = read_field(reading, sub(buffer, next, last),
                                        limits)
        if not ok then
            return nil, status, reason
        end
        next = stop + 1
        searched = next
    end
end


local function read(reading, buffer, limits)
    if not reading.line then
        local line, status, reason = read_line(reading, buffer, limits)
        if not line then
            return nil, status, reason
        end
        reading.line, reading.fields = line, new_fields()
    end
    if reading.line.version < 10 then
        return finish(reading, buffer, reading.next)
    end
    return read_fields(reading, buffer, limits)
end


-- Interface ------------------------------------------------------------------


-- Reads a request head.
--   buffer    what has been received
--   from      index of the first byte that belongs to no earlier request
--   limits    as limits() makes them
--   reading   what the last call answered to the same head, or nil
-- Returns
--   head, next           as in meaning.lua; next: the first byte behind it
--   nil, "again", reading   it is not complete
--   nil, "h11"           it is complete, and h11 decides (h11.lua)
--   nil, status, reason  nginx would answer 400, 405, 414, 494, 501 or 505
--                        and log `reason` at level info
function _M.parse(buffer, from, limits, reading)
    if reading then
        return read(resume(reading, from), buffer, limits)
    end
    local stop = find(buffer, "\n", from, true)
    if not stop or stop - from >= limits.room or byte(buffer, from) <= CR then
        return read(new_reading(from, nil, from), buffer, limits)
    end
    local line, status, reason = look_up_line(
        limits.lines, sub(buffer, from, last_of_line(buffer, stop)))
    if not line then
        return nil, status, reason
    end
    local fields, next = recall_head(line, buffer, from, stop + 1, limits)
    if not fields then
        return read(new_reading(from, line, stop + 1), buffer, limits)
    end
    local head
    head, status, reason = settle(line, fields, buffer, from, next)
    return head, head and next or status, reason
end


-- Returns the first value of the header called `key` (lower case), or nil.
function _M.get(head, key)
    local fields = head.fields
    for i = 1, fields.n do
        if fields[i].lower == key then
            return fields[i].value
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
