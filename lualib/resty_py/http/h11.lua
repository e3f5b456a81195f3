-- Request heads: the twin of the fast path that asks h11.
--
-- The host (resty_py/http/reader.py) cuts the head into lines by its own
-- means and lets h11 judge it; what the lines mean together is decided by the
-- same code as in the fast path (meaning.lua), so that what nginx refuses is
-- refused here too. It is some two hundred times slower and needs the whole
-- head, so it only gets heads that the fast path calls odd.

local field = require "resty_py.http.field"
local header_buffers = require "resty_py.http.header_buffers"
local meaning = require "resty_py.http.meaning"
local native = require "resty_py.native"
local request_line = require "resty_py.http.request_line"

local find = string.find
local sub = string.sub

local HEADERS = " while reading client request headers"

local _M = {}


-- Checks complete lines, or an unfinished head, against nginx's buffers.
local function fits(buffer, from, first, limits, next, rest)
    local packing = header_buffers.new(limits, first, first - from)
    return header_buffers.pack(packing, buffer, limits, next, rest)
end


-- Index of the first byte of the last line, complete or not.
local function last_line(buffer, first)
    local next, stop = first, nil
    repeat
        stop = find(buffer, "\n", next, true)
        next = stop and stop + 1 or next
    until not stop
    return next
end


local function wait(buffer, from, skipped, limits)
    local first = from + skipped
    local next = last_line(buffer, first)
    local ok, status, reason = fits(buffer, from, first, limits, next,
                                    #buffer - next + 1)
    if not ok then
        return nil, status, reason
    end
    return nil, "again"
end


-- Returns the string at `from` and the index behind its NUL.
local function take(fields, from)
    local stop = find(fields, "\0", from, true)
    return sub(fields, from, stop - 1), stop + 1
end


local function admit_all(head, fields, limits)
    local n, from = 0, 1
    local name, value, text, status, reason
    while from <= #fields do
        name, from = take(fields, from)
        value, from = take(fields, from)
        text, from = take(fields, from)
        n, status, reason = meaning.admit(head, n, field.of(name, value, text),
                                          limits)
        if not n then
            return nil, status, reason
        end
    end
    head.n = n
    return true
end


local function read_fields(head, fields, fault, limits)
    local ok, status, reason = admit_all(head, fields, limits)
    if not ok then
        return nil, status, reason
    elseif fault then
        return nil, 400, fault .. HEADERS
    end
    return meaning.settle(head)
end


-- Reads a request head, as head.parse does, but without a hint.
-- Returns head, next | nil, "again" | nil, status, reason.
function _M.parse(buffer, from, limits)
    local skipped, size, text, fields, fault, verdict =
        native.http.parse_head(sub(buffer, from), limits.underscores,
                               limits.ignore_invalid)
    if not size then
        return wait(buffer, from, skipped, limits)
    end
    local first, next = from + skipped, from + skipped + size
    local line, status, reason = request_line.parse(text, limits.merge_slashes)
    if not line then
        return nil, status, reason
    end
    local head = meaning.new(first)
    meaning.set_line(head, line)
    local ok
    ok, status, reason = fits(buffer, from, first, limits, next)
    if ok then
        ok, status, reason = read_fields(head, fields, fault, limits)
    end
    if not ok then
        return nil, status, reason
    elseif verdict then
        return nil, 400, verdict .. HEADERS
    end
    head.buffer, head.next = buffer, next
    return head, next
end


return _M
