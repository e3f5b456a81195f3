-- A header filter: answers a request for ranges with 206, or 416.
--
-- Rules:
--
-- 1. It is for a 200 of a main request whose length is known and whose
--    handler has set r.allow_ranges: it can give out any part of its body.
-- 2. What is no list of ranges, or asks for nothing that is there, is 416;
--    more ranges than max_ranges, more bytes than the whole, or a version
--    that is not If-Range's, get the whole.
-- 3. The handler finds in r.ranges what to send: an array of {first, after},
--    offsets in the body, `after` being that of the byte behind the range. Of
--    several, `head` goes out before each and r.ranges.closing at the end.
--
-- Follows ngx_http_range_filter_module.c.

local headers_of = require "resty_py.http.header_list".of
local parse_http_time = require "resty_py.codec.httptime".parse_http_time
local validators = require "resty_py.http.validators"

local asked = validators.asked
local etag = validators.etag
local find = string.find
local format = string.format
local last_modified = validators.last_modified
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

-- The largest offset that nginx reads.
local MAX_OFFSET = "9223372036854775807"
-- Shorter than this is no Range: "bytes=" and a character.
local LEAST_SIZE = 7

local _M = {}

local boundaries = 0


-- Reading ------------------------------------------------------------------


-- Returns the number that digits stand for, or nil where nginx cannot hold it.
local function offset(digits)
    local significant = match(digits, "^0*(.*)")
    local size = #significant
    if size < #MAX_OFFSET
        or size == #MAX_OFFSET and significant <= MAX_OFFSET
    then
        return tonumber(digits)
    end
end


-- Each returns first and `after` of a range | nil where it is malformed.


local function suffix(digits, length)
    local size = offset(digits)
    if size then
        return size < length and length - size or 0, length
    end
end


local function span(from, to, length)
    local first = offset(from)
    if not first or to == "" then
        return first, length
    end
    local last = offset(to)
    if last then
        return first, last >= length and length or last + 1
    end
end


-- Reads the range at `position`.
-- Returns first, after and the place of what follows | nil.
local function read(text, position, length)
    local from, to, next = match(text, "^ *(%d+) *%- *(%d*) *()", position)
    if from then
        local first, after = span(from, to, length)
        return first, after, next
    end
    to, next = match(text, "^ *%-(%d+) *()", position)
    if to then
        local first, after = suffix(to, length)
        return first, after, next
    end
end


-- Whether a range that ends before `next` ends there.
local function ends(text, next)
    local mark = sub(text, next, next)
    return mark == "" or mark == ","
end


-- Reads the ranges of "bytes=…" for a body of `length` bytes.
-- Returns an array | nil, true where they are to be ignored | nil, false where
-- they cannot be satisfied.
local function parse(text, length, most)
    local found, n, size = {}, 0, 0
    local position = LEAST_SIZE
    repeat
        local first, after, next = read(text, position, length)
        if not first or not ends(text, next) then
            return nil, false
        elseif first < after then
            n = n + 1
            found[n] = {first, after, head = nil}
            size = size + after - first
            if n > most then
                return nil, true
            end
        elseif first == 0 then
            return nil, true
        end
        position = next + 1
    until next > #text
    if n == 0 then
        return nil, false
    elseif size > length then
        return nil, true
    end
    return found
end


-- Answering ----------------------------------------------------------------


local function set_length(r, length)
    r.content_length = length
    r.headers:clear("content-length")
end


local function refuse(r, length)
    r.status = 416
    headers_of(r):add("Content-Range", format("bytes */%d", length),
                      "content-range")
    set_length(r, nil)
    return 416
end


local function send_one(r, ranges, length)
    local range = ranges[1]
    headers_of(r):add("Content-Range", format("bytes %d-%d/%d", range[1],
                                              range[2] - 1, length),
                      "content-range")
    set_length(r, range[2] - range[1])
end


local function next_boundary()
    boundaries = boundaries + 1
    return format("%020d", boundaries)
end


local function send_several(r, ranges, length)
    local boundary = next_boundary()
    local kind = r.content_type
    local opening = "\r\n--" .. boundary
        .. (kind and kind ~= "" and "\r\nContent-Type: " .. kind or "")
        .. "\r\nContent-Range: bytes "
    ranges.closing = "\r\n--" .. boundary .. "--\r\n"
    local size = #ranges.closing
    for i = 1, #ranges do
        local range = ranges[i]
        range.head = format("%s%d-%d/%d\r\n\r\n", opening, range[1],
                            range[2] - 1, length)
        size = size + #range.head + range[2] - range[1]
    end
    r.content_type = "multipart/byteranges; boundary=" .. boundary
    headers_of(r)
    set_length(r, size)
end


-- Whether the body is still the version of which If-Range has a part.
local function is_same_version(r)
    local text = asked(r, "if-range")
    if not text then
        return true
    elseif find(text, '^.+"$') then
        return text == etag(r)
    end
    local time = last_modified(r)
    return time ~= nil and parse_http_time(text) == time
end


-- Returns the value of Range, or nil where the whole is wanted.
local function wanted(r)
    local text = asked(r, "range")
    if text and #text >= LEAST_SIZE and lower(sub(text, 1, 6)) == "bytes="
        and is_same_version(r)
    then
        return text
    end
end


local function known_length(r)
    local value = r.headers and r.headers:get("content-length")
    return value and tonumber(value) or r.content_length
end


-- Returns nil | 416, which is to be answered in place of the response.
function _M.filter(r)
    if not r.allow_ranges or r.status ~= 200 or r.parent or r.version < 10 then
        return
    end
    local length, most = known_length(r), r.settings.max_ranges
    if not length or most == 0 then
        return
    end
    local text = wanted(r)
    local ranges, is_fine
    if text then
        ranges, is_fine = parse(text, length, most)
        if not ranges and not is_fine then
            return refuse(r, length)
        end
    end
    if not ranges then
        headers_of(r):add("Accept-Ranges", "bytes", "accept-ranges")
        return
    end
    r.status = 206
    r.ranges = ranges
    return (ranges[2] and send_several or send_one)(r, ranges, length)
end


return _M
