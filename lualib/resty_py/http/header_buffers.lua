-- The room that nginx has for a request head, by which it answers 414 and
-- 494: one buffer of client_header_buffer_size bytes, then at most
-- large_client_header_buffers of them.
--
-- Rules (ngx_http_alloc_large_header_buffer):
--
-- 1. Lines are laid into the buffer one behind the other, ends included.
-- 2. A line that reaches the end of its buffer moves, with what has come of
--    it, to the start of the next large buffer; what lies before it stays.
-- 3. A line that fills a large buffer, or needs one more than there are, is
--    too large.
--
-- Nothing is copied here: a packing only counts. A head of at most
-- limits.room bytes, empty lines before it included, always fits, so most
-- heads need no packing. Each request starts with an empty buffer here; in
-- nginx a pipelined one starts behind the one before it.

local find = string.find
local max = math.max
local min = math.min
local sub = string.sub

-- Bytes of a header line that nginx logs: NGX_MAX_ERROR_STR - 300.
local LOGGED = 1748

local _M = {}


-- Bytes that fit under these limits whatever the lines are.
function _M.room(limits)
    if limits.large_count == 0 then
        return limits.header_buffer
    end
    return max(limits.header_buffer, limits.large_buffer)
end


-- Lays down a line of `length` bytes.
-- Returns true | nil, the bytes of it that did have room.
local function lay(packing, limits, length)
    local offset, capacity = packing.offset, packing.capacity
    local large = packing.large
    while offset + length > capacity do
        local held = capacity - offset
        if held >= limits.large_buffer or large == limits.large_count then
            return nil, held
        end
        offset, capacity, large = 0, limits.large_buffer, large + 1
    end
    packing.offset, packing.capacity = offset + length, capacity
    packing.large = large
    return true
end


-- What nginx says of the line from `pos` on, `held` bytes of which had room.
-- Where it had none, it says it of the header line before.
local function too_large(packing, buffer, pos, held)
    if packing.lines == 0 then
        return 414, "client sent too long URI while reading client request "
            .. "line"
    end
    if held == 0 then
        if packing.lines == 1 then
            return 494, "client sent too large request while reading client "
                .. "request headers"
        end
        pos, held = pos - packing.last, packing.last
    end
    return 494, 'client sent too long header line: "'
        .. sub(buffer, pos, pos + min(held, LOGGED) - 1)
        .. '..." while reading client request headers'
end


-- Starts to pack the head that begins at `first`; `skipped` empty bytes came
-- before it.
function _M.new(limits, first, skipped)
    return {offset = skipped % limits.header_buffer,
            capacity = limits.header_buffer, large = 0,
            pos = first, lines = 0, last = 0}
end


local function pack_lines(packing, buffer, limits, next)
    while packing.pos < next do
        local pos = packing.pos
        local length = find(buffer, "\n", pos, true) - pos + 1
        local ok, held = lay(packing, limits, length)
        if not ok then
            return nil, too_large(packing, buffer, pos, held)
        end
        packing.pos, packing.last = pos + length, length
        packing.lines = packing.lines + 1
    end
    return true
end


-- A line whose end is still to come needs at least a byte more.
local function pack_rest(packing, buffer, limits, rest)
    local started = {offset = packing.offset, capacity = packing.capacity,
                     large = packing.large}
    local ok, held = lay(started, limits, rest + 1)
    if not ok then
        return nil, too_large(packing, buffer, packing.pos, held)
    end
    return true
end


-- Packs the lines that are complete, up to the one that begins at `next`.
--   rest   bytes of that one, where it is not complete and must go on
-- Returns true | nil, 414 or 494, what nginx logs.
function _M.pack(packing, buffer, limits, next, rest)
    local ok, status, reason = pack_lines(packing, buffer, limits, next)
    if ok and rest then
        return pack_rest(packing, buffer, limits, rest)
    end
    return ok, status, reason
end


return _M
