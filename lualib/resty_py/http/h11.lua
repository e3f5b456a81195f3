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

local WHILE = " while reading client request headers"

local _M = {}


-- Checks complete lines, or an unfinished head, against nginx's buffers.
local function fits(buffer, from, first, limits, next, rest)
    local packing = header_buffers.new(limits, first, first - from)
    return header_buffers.pack(packing, buffer, limits, next, rest)
end


-- Index of the first byte of the last line, complete or not.
local function last_line(buffer, first)
    local stop = find(buffer, "\n", first, true)
    while stop do
        first = stop + 1
        stop = find(buffer, "\n", first, true)
    end
    return first
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


-- Returns the fields of all lines | nil, status, reason.
local function admit_all(flat, fault, limits)
    local fields, from = meaning.new_fields(), 1
    local name, value, text
    while from <= #flat do
        name, from = take(flat, from)
        value, from = take(flat, from)
        text, from = take(flat, from)
        local ok, status, reason = meaning.admit(
            fields, field.of(name, value, text), limits)
        if not ok then
            return nil, status, reason
        end
    end
    if fault then
        return nil, 400, fault .. WHILE
    end
    return fields
end


-- Reads a request head, as head.parse does, but all at once.
-- Returns head, next | nil, "again" | nil, status, reason.
function _M.parse(buffer, from, limits)
    local skipped, size, text, flat, fault, verdict =
        native.http.parse_head(sub(buffer, from), limits.underscores,
                               limits.ignore_invalid)
    if skipped > request_line.EMPTY_MAX then
        return nil, 400, request_line.BAD_REQUEST
    elseif not size then
        return wait(buffer, from, skipped, limits)
    end
    local first, next = from + skipped, from + skipped + size
    local line, status, reason = request_line.parse(text, limits.merge_slashes)
    local fields, head
    if line then
        fields, status, reason = fits(buffer, from, first, limits, next)
    end
    if fields then
        fields, status, reason = admit_all(flat, fault, limits)
    end
    if fields then
        head, status, reason = meaning.settle(line, fields, buffer, first, next)
    end
    if not head then
        return nil, status, reason
    elseif verdict then
        return nil, 400, verdict .. WHILE
    end
    return head, next
end


return _M
