-- What the lines of a request head mean together, for both readers of heads.
--
-- Follows ngx_http_process_request_headers and ngx_http_process_request_header
-- in what is refused, in which order, and with which words.
--
-- The header lines are collected in `fields`, which the memory of blocks may
-- share between requests, so nobody changes it once it is complete:
--
--   [1] … [n], n     records of header lines: {name, value, lower}; field.lua
--   host, host_header, content_length, keepalive, expect   as in a head, but
--                    as the header lines alone have them
--   coding           the value of Transfer-Encoding, or nil
--   notes            array of what nginx logs, at level info, of the lines
--                    that it drops, or nil
--   strange          true where a line is kept only under these limits
--   odd              true where h11 must be asked
--
-- A head is the line and the fields together:
--
--   line             the record of the request line; request_line.lua
--   fields, n        as above
--   method, target, version, request_line   the line's, for convenience
--   host             $host but for the server's own name: from the request
--                    line or the Host header; nil where there is neither
--   host_header      the value of the Host header, or nil
--   content_length   number or nil
--   chunked          true or nil
--   keepalive        boolean
--   expect           true where a 100 (Continue) is awaited, or nil
--   notes            the fields'
--   buffer, first, next   it is the bytes first … next - 1 of buffer

local lower = string.lower

local WHILE = " while reading client request headers"
local NO_HOST = 'client sent HTTP/1.1 request without "Host" header' .. WHILE
local BAD_HOST = "client sent invalid host header" .. WHILE
local BAD_LENGTH = 'client sent invalid "Content-Length" header' .. WHILE
local OLD_CODING = 'client sent HTTP/1.0 request with "Transfer-Encoding" '
    .. "header" .. WHILE
local TWO_FRAMINGS = 'client sent "Content-Length" and "Transfer-Encoding" '
    .. "headers at the same time" .. WHILE
local TOO_MANY = "client sent too many header lines" .. WHILE

local _M = {}


-- Fields before the first header line.
function _M.new_fields()
    return {nil, nil, nil, nil, nil, nil, nil, nil,
            n = 0, host = nil, host_header = nil, content_length = nil,
            coding = nil, keepalive = nil, expect = nil}
end


-- One line -----------------------------------------------------------------


local function is_dropped(record, limits)
    if record.underscore and limits.underscores then
        return false
    end
    return limits.ignore_invalid
end


local function note(fields, text)
    local notes = fields.notes or {}
    fields.notes = notes
    notes[#notes + 1] = text
    return true
end


local function find_same(fields, key)
    for i = 1, fields.n do
        if fields[i].lower == key then
            return fields[i]
        end
    end
end


local function refuse_twice(record, before)
    local kind = record.sets == "host" and "host header" or "header line"
    return nil, 400, "client sent duplicate " .. kind .. ': "' .. record.name
        .. ": " .. record.value .. '", previous value: "' .. before.name
        .. ": " .. before.value .. '"' .. WHILE
end


local function apply(fields, record)
    local fact = record.fact
    if fact ~= nil then
        fields[record.sets] = fact
    end
    if record.sets == "host" then
        fields.host_header = record.value
        return fact
    end
    return true
end


-- Takes the record of any header line.
-- Returns true | nil, status, what nginx logs.
function _M.admit(fields, record, limits)
    if record.note and is_dropped(record, limits) then
        return note(fields, record.note)
    elseif fields.n >= limits.max_headers then
        return nil, 494, TOO_MANY
    end
    local before = record.once and find_same(fields, record.lower)
    if before then
        return refuse_twice(record, before)
    elseif record.sets and not apply(fields, record) then
        return nil, 400, BAD_HOST
    elseif record.odd or record.note and not record.token then
        fields.odd = true
    end
    if record.note then
        fields.strange = true
    end
    local n = fields.n + 1
    fields.n = n
    fields[n] = record
    return true
end


-- All lines ------------------------------------------------------------------


-- Returns whether the body is chunked | nil, status, reason.
local function read_coding(fields, version)
    local coding = fields.coding
    if version < 11 then
        return nil, 400, OLD_CODING
    elseif lower(coding) ~= "chunked" then
        return nil, 501, 'client sent unknown "Transfer-Encoding": "'
            .. coding .. '"' .. WHILE
    elseif fields.content_length then
        return nil, 400, TWO_FRAMINGS
    end
    return true
end


-- Returns true or nil: whether the body is chunked | false, status, reason.
local function judge(line, fields)
    local version = line.version
    if version > 10 and not fields.host_header then
        return false, 400, NO_HOST
    elseif fields.content_length == false then
        return false, 400, BAD_LENGTH
    end
    local chunked
    if fields.coding then
        local status, reason
        chunked, status, reason = read_coding(fields, version)
        if not chunked then
            return false, status, reason
        end
    end
    if line.banned then
        return false, 405, line.banned .. WHILE
    end
    return chunked
end


-- Makes a head of bytes first … next - 1 of buffer.
-- Returns head | nil, status, what nginx logs.
function _M.settle(line, fields, buffer, first, next)
    local chunked, status, reason = judge(line, fields)
    if chunked == false then
        return nil, status, reason
    end
    local version, keepalive = line.version, fields.keepalive
    if keepalive == nil then
        keepalive = version > 10
    end
    local head = {
        line = line,
        fields = fields,
        n = fields.n,
        method = line.method,
        target = line.target,
        version = version,
        request_line = line.text,
        host = line.host or fields.host,
        host_header = fields.host_header,
        content_length = fields.content_length,
        chunked = chunked,
        keepalive = keepalive,
        expect = version > 10 and fields.expect or nil,
        buffer = buffer,
        first = first,
        next = next,
    }
    -- Few heads have any; a place for them would double every head.
    if fields.notes then
        head.notes = fields.notes
    end
    return head
end


-- Returns another head of the same lines, without the notes.
function _M.copy(head)
    return {
        line = head.line,
        fields = head.fields,
        n = head.n,
        method = head.method,
        target = head.target,
        version = head.version,
        request_line = head.request_line,
        host = head.host,
        host_header = head.host_header,
        content_length = head.content_length,
        chunked = head.chunked,
        keepalive = head.keepalive,
        expect = head.expect,
        buffer = head.buffer,
        first = head.first,
        next = head.next,
    }
end


return _M
