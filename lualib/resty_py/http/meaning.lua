-- What the lines of a request head mean together, for both readers of heads.
--
-- Follows ngx_http_process_request_headers and ngx_http_process_request_header
-- in what is refused, in which order, and with which words. A head is one
-- table; its array part holds the records of its header lines (field.lua) in
-- order of arrival:
--
--   [1] … [n], n     header lines: {name, value, lower}
--   line             the record of the request line (request_line.lua)
--   method, target, version, request_line   of it, for convenience
--   host             $host without the server's own name: from the request
--                    line or the Host header; nil where there is neither
--   host_header      the value of the Host header, or nil
--   content_length   number or nil
--   chunked          true or nil
--   keepalive        boolean
--   expect           true where a 100 (Continue) is awaited, or nil
--   notes            array of what nginx logs at level info of the lines it
--                    drops, or nil
--   buffer, first, next   the head is bytes first … next - 1 of buffer
--
-- The records are shared between requests: whoever changes a header puts
-- another record into this head's array.

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


-- A head of which nothing is known yet; it may begin at `first`. Every field
-- that most heads have is there from the start, so that it never grows.
function _M.new(first)
    return {nil, nil, nil, nil, nil, nil, nil, nil,
            n = 0, line = nil,
            method = nil, target = nil, version = nil, request_line = nil,
            host = nil, host_header = nil, content_length = nil,
            chunked = nil, keepalive = nil, expect = nil,
            buffer = nil, first = first, next = first}
end


function _M.set_line(head, line)
    head.line = line
    head.method = line.method
    head.target = line.target
    head.version = line.version
    head.request_line = line.text
end


-- One line -----------------------------------------------------------------


local function is_dropped(field, limits)
    if field.underscore and limits.underscores then
        return false
    end
    return limits.ignore_invalid
end


local function note(head, text)
    local notes = head.notes or {}
    head.notes = notes
    notes[#notes + 1] = text
end


local function find_before(head, n, key)
    for i = 1, n do
        if head[i].lower == key then
            return head[i]
        end
    end
end


local function refuse_twice(field, before)
    local kind = field.sets == "host" and "host header" or "header line"
    return nil, 400, "client sent duplicate " .. kind .. ': "' .. field.name
        .. ": " .. field.value .. '", previous value: "' .. before.name
        .. ": " .. before.value .. '"' .. WHILE
end


local function apply(head, field)
    local fact = field.fact
    if fact ~= nil then
        head[field.sets] = fact
    end
    if field.sets == "host" then
        head.host_header = field.value
        return fact
    end
    return true
end


-- Takes any field; the head has n fields before it.
-- Returns the new n | nil, status, what nginx logs.
function _M.admit(head, n, field, limits)
    if field.note and is_dropped(field, limits) then
        note(head, field.note)
        return n
    elseif n >= limits.max_headers then
        return nil, 494, TOO_MANY
    end
    local before = field.once and find_before(head, n, field.lower)
    if before then
        return refuse_twice(field, before)
    elseif field.sets and not apply(head, field) then
        return nil, 400, BAD_HOST
    elseif field.odd or field.note and not field.token then
        head.odd = true
    end
    head[n + 1] = field
    return n + 1
end


-- All lines ------------------------------------------------------------------


local function settle_coding(head, version)
    local coding = head.chunked
    if version < 11 then
        return nil, 400, OLD_CODING
    elseif lower(coding) ~= "chunked" then
        return nil, 501, 'client sent unknown "Transfer-Encoding": "'
            .. coding .. '"' .. WHILE
    elseif head.content_length then
        return nil, 400, TWO_FRAMINGS
    end
    head.chunked = true
    return true
end


local function settle_connection(head, line, version)
    if line.host then
        head.host = line.host
    end
    if head.keepalive == nil then
        head.keepalive = version > 10
    end
    if version < 11 then
        head.expect = nil
    end
    return head
end


-- Decides what the whole head means.
-- Returns head | nil, status, what nginx logs.
function _M.settle(head)
    local line = head.line
    local version = line.version
    if version > 10 and not head.host_header then
        return nil, 400, NO_HOST
    elseif head.content_length == false then
        return nil, 400, BAD_LENGTH
    end
    if head.chunked then
        local ok, status, reason = settle_coding(head, version)
        if not ok then
            return nil, status, reason
        end
    end
    if line.banned then
        return nil, 405, line.banned .. WHILE
    end
    return settle_connection(head, line, version)
end


return _M
