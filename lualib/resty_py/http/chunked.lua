-- Chunked request bodies.
--
-- Sans-IO: a state per body, fed with bytes as they come. Source: RFC 9112
-- section 7.1. Rules:
--
-- 1. A chunk is its size in at most SIZE_DIGITS hexadecimal digits, perhaps
--    spaces and an extension, CRLF, the data, CRLF. nginx takes a bare LF for
--    either CRLF, and anything behind a space as an extension; h11 does not,
--    since hops that read them differently can be made to see different
--    requests. Here h11 decides, but for the spaces before ";" that the RFC
--    wants to be read.
-- 2. Extensions and trailers are read and thrown away; there is room for
--    EXTRA_MAX bytes behind each size, and in all trailers together. Trailer
--    lines may end with a bare LF, which both take.
-- 3. Reading stops behind the empty line that ends the body: what follows is
--    the next request.
-- 4. Nothing is kept but numbers. Each byte of data is copied once, into the
--    piece that is handed out.

local byte = string.byte
local find = string.find
local min = math.min
local sub = string.sub

local LF, CR = byte("\n"), byte("\r")
local SPACE, TAB, SEMICOLON = byte(" \t;", 1, 3)

-- The most digits that h11 takes.
local SIZE_DIGITS = 20
-- No digit may follow where the size has reached this: from 2^53 on not all
-- numbers are exact. nginx's limit is 2^63.
local SIZE_MAX = 2 ^ 49
-- Bytes of one extension, and of all trailers. nginx has no such limit.
local EXTRA_MAX = 8192

local DIGITS = {}
for value = 0, 15 do
    local digit = ("%x"):format(value)
    DIGITS[byte(digit)] = value
    DIGITS[byte(digit:upper())] = value
end

local INVALID = "client sent invalid chunked body"

local _M = {}


-- A step takes (state, buffer, from), where there is a byte at `from`, and
-- returns the index behind what it has read, or nil where the body is
-- invalid. It names the next step in state.step.
local start, size, blank, extension, size_end, data, data_cr, data_lf
local trailer, trailer_line, trailer_cr, last_lf


local function step_to(state, step, next)
    state.step = step
    return next
end


-- Counts bytes that are thrown away.
local function spend(state, count)
    state.extra = state.extra + count
    return state.extra <= EXTRA_MAX
end


-- The size -------------------------------------------------------------------


function start(state, buffer, from)
    state.left, state.digits, state.extra = 0, 0, 0
    if DIGITS[byte(buffer, from)] then
        return step_to(state, size, from)
    end
end


local AFTER_SIZE = {}


function size(state, buffer, from)
    local code = byte(buffer, from)
    local digit = DIGITS[code]
    if not digit then
        local step = AFTER_SIZE[code]
        return step and step_to(state, step, from + 1)
    end
    if state.left >= SIZE_MAX or state.digits == SIZE_DIGITS then
        return nil
    end
    state.left = state.left * 16 + digit
    state.digits = state.digits + 1
    return from + 1
end


local AFTER_BLANK = {}


function blank(state, buffer, from)
    local step = AFTER_BLANK[byte(buffer, from)]
    return step and spend(state, 1) and step_to(state, step, from + 1)
end


function extension(state, buffer, from)
    local stop = find(buffer, "[\r\n]", from)
    if not spend(state, (stop or #buffer + 1) - from) then
        return nil
    elseif not stop then
        return #buffer + 1
    elseif byte(buffer, stop) == CR then
        return step_to(state, size_end, stop + 1)
    end
end


function size_end(state, buffer, from)
    if byte(buffer, from) == LF then
        local step = state.left > 0 and data or trailer
        return step_to(state, step, from + 1)
    end
end


AFTER_SIZE[CR] = size_end
AFTER_SIZE[SEMICOLON] = extension
AFTER_SIZE[SPACE] = blank
AFTER_SIZE[TAB] = blank

AFTER_BLANK[CR] = size_end
AFTER_BLANK[SEMICOLON] = extension
AFTER_BLANK[SPACE] = blank
AFTER_BLANK[TAB] = blank


-- The data -------------------------------------------------------------------


function data(state, buffer, from)
    local count = min(state.left, #buffer - from + 1)
    local n = state.n + 1
    state.n = n
    state.pieces[n] = sub(buffer, from, from + count - 1)
    state.left = state.left - count
    state.received = state.received + count
    return step_to(state, state.left > 0 and data or data_cr, from + count)
end


function data_cr(state, buffer, from)
    if byte(buffer, from) == CR then
        return step_to(state, data_lf, from + 1)
    end
end


function data_lf(state, buffer, from)
    if byte(buffer, from) == LF then
        return step_to(state, start, from + 1)
    end
end


-- The trailers --------------------------------------------------------------


local function finish(state, next)
    state.done = true
    return step_to(state, nil, next)
end


function trailer(state, buffer, from)
    local code = byte(buffer, from)
    if code == LF then
        return finish(state, from + 1)
    elseif code == CR then
        return step_to(state, last_lf, from + 1)
    end
    return step_to(state, trailer_line, from)
end


function trailer_line(state, buffer, from)
    local stop = find(buffer, "[\r\n]", from)
    if not spend(state, (stop or #buffer + 1) - from) then
        return nil
    elseif not stop then
        return #buffer + 1
    end
    local step = byte(buffer, stop) == CR and trailer_cr or trailer
    return step_to(state, step, stop + 1)
end


function trailer_cr(state, buffer, from)
    if byte(buffer, from) == LF then
        return step_to(state, trailer, from + 1)
    end
end


function last_lf(state, buffer, from)
    if byte(buffer, from) == LF then
        return finish(state, from + 1)
    end
end


-- Interface -----------------------------------------------------------------


-- A new body. Fields that callers may read:
--   done       true once the body is complete
--   left       bytes of the current chunk that are still to come
--   received   bytes of data so far
function _M.new()
    return {step = start, left = 0, digits = 0, extra = 0, received = 0,
            pieces = nil, n = 0, done = false}
end


-- Feeds the bytes of `buffer` from index `from` on.
-- Returns the index behind what was read, an array of pieces of data and
-- their number | nil, 400, what nginx logs at level error.
-- All of the buffer is read unless the body is complete before its end.
function _M.feed(state, buffer, from)
    local last = #buffer
    local pieces = {}
    state.pieces, state.n = pieces, 0
    while from and from <= last and state.step do
        from = state.step(state, buffer, from)
    end
    state.pieces = nil
    if not from then
        return nil, 400, INVALID
    end
    return from, pieces, state.n
end


return _M
