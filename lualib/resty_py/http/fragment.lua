-- What is known of a request whose head was refused or did not come to its
-- end: enough for the error page and the logs.
--
-- nginx fills its request line by line, so that a page and a log line tell of
-- what came before the fault. Rules:
--
-- 1. The request line is what has come of it, but empty lines before it.
-- 2. Its method counts once it is known where it ends: HEAD gets no page.
-- 3. A line of two words has no version: HTTP/0.9 gets a page without a head.
-- 4. The header lines are those that are complete, up to one that is not valid.
-- 5. Where the fault is in them, the request line is a good one, and $uri,
--    $request_uri and $args are what it says.

local field = require "resty_py.http.field"
local meaning = require "resty_py.http.meaning"
local request_line = require "resty_py.http.request_line"

local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub

local CR = byte("\r")

local OLD_LINE = "^[A-Z_-]+ +[/hH]%S* *$"

-- What is known of a request line that is not whole, or none.
local NO_LINE = {uri = "", args = nil}

local _M = {}


-- Returns the line that begins at `from`, and the index behind its end, which
-- is nil where it has none.
local function cut_line(buffer, from)
    local stop = find(buffer, "\n", from, true)
    local last = stop and stop - 1 or #buffer
    if byte(buffer, last) == CR and last >= from then
        last = last - 1
    end
    return sub(buffer, from, last), stop and stop + 1
end


local function take(fields, record)
    local n = fields.n + 1
    fields.n = n
    fields[n] = record
    if record.lower == "host" and not fields.host_header then
        fields.host_header = record.value
        fields.host = record.fact or nil
    end
end


-- Returns the header lines up to one that is not valid, the index behind the
-- last, and whether the head is whole.
local function read_fields(buffer, from)
    local fields = meaning.new_fields()
    while from do
        local line, next = cut_line(buffer, from)
        local record = next and line ~= "" and field.parse(line)
        if record then
            take(fields, record)
        end
        if not record or record.sets == "host" and not record.fact then
            return fields, (record or line == "") and next or from,
                   next ~= nil and line == ""
        end
        from = next
    end
    return fields, nil, false
end


-- Reads what has come of a head.
--   buffer, from   as head.parse takes them
--   limits         of its server (head.lua): a line is cut at `room` bytes
--   no_fields      the fault is in the request line
-- Returns a head, as in meaning.lua, that ends its connection.
function _M.read(buffer, from, limits, no_fields)
    local first = find(buffer, "[^\r\n]", from) or #buffer + 1
    local text, next = cut_line(buffer, first)
    local fields, last, is_whole = read_fields(buffer, not no_fields and next)
    local line = not no_fields and next
        and request_line.parse(text, limits.merge_slashes)
    return {
        line = line or NO_LINE,
        fields = fields,
        n = fields.n,
        method = match(text, "^([A-Z_-]+) ") or "",
        target = "",
        version = next and find(text, OLD_LINE) and 9 or 11,
        request_line = sub(text, 1, limits.room),
        host = fields.host,
        host_header = fields.host_header,
        is_whole = is_whole,
        keepalive = false,
        buffer = buffer,
        first = first,
        next = last or not no_fields and next or first,
    }
end


return _M
