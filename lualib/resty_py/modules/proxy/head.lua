-- The head of an upstream's response.
--
--   read(text)   {status, reason, version, n, name[], key[], value[],
--                 is_closing, length, is_chunked} | nil, what is wrong
--                text: from the status line to the empty line, without that
--   find(head, key)   the first value of a header, or nil
--
-- Follows ngx_http_parse_status_line, ngx_http_parse_header_line and
-- ngx_http_proxy_process_header.

local byte = string.byte
local find = string.find
local format = string.format
local gmatch = string.gmatch
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local SPACE = byte(" ")
-- Of a length: past them numbers are not exact.
local LENGTH_DIGITS = 15

local _M = {}


-- What the log says of a line: all before the byte at fault.
local function invalid(line, fault)
    return nil, format('upstream sent invalid header: "%s\\x%02x..."',
                       sub(line, 1, fault - 1), byte(line, fault))
end


local function read_line(head, line)
    local name, value = match(line, "^([^:%c ]+):[ \t]*(.-)[ \t]*$")
    local fault = name and find(line, "[%z\r]", #name)
    if not name or fault then
        return invalid(line, fault or find(line, "[%c ]") or #line)
    end
    local n = head.n + 1
    head.n = n
    head.name[n], head.key[n], head.value[n] = name, lower(name), value
    return true
end


-- Returns the first value of a header, in lower case, or nil.
function _M.find(head, key)
    for i = 1, head.n do
        if head.key[i] == key then
            return head.value[i]
        end
    end
end


local function count(head, key)
    local n = 0
    for i = 1, head.n do
        if head.key[i] == key then
            n = n + 1
        end
    end
    return n
end


local function is_length(text)
    return find(text, "^%d+$") and #text <= LENGTH_DIGITS
end


-- What the headers say of the connection and of the body.
local function read_framing(head)
    local connection = lower(_M.find(head, "connection") or "")
    head.is_closing = find(connection, "close", 1, true) ~= nil
        or head.version < 11 and not find(connection, "keep-alive", 1, true)
    local coding = _M.find(head, "transfer-encoding")
    local length = _M.find(head, "content-length")
    head.is_chunked = coding ~= nil and lower(coding) == "chunked"
    if length and not is_length(length) or coding and length then
        return nil, 'upstream sent invalid "Content-Length" header: "'
            .. (length or "") .. '"'
    elseif count(head, "content-length") > 1 then
        return nil, 'upstream sent duplicate header line: "Content-Length: '
            .. length .. '"'
    elseif coding and not head.is_chunked then
        return nil, 'upstream sent unknown "Transfer-Encoding": "' .. coding
            .. '"'
    end
    head.length = not head.is_chunked and tonumber(length) or nil
    return head
end


function _M.read(text)
    local first, rest = match(text, "^([^\n]*)\n?(.*)$")
    local major, minor, status, reason = match(
        first, "^HTTP/(%d+)%.(%d+) +(%d%d%d)(.-)\r?$")
    if not status or reason ~= "" and byte(reason) ~= SPACE then
        return nil, "upstream sent no valid HTTP/1.0 header"
    end
    local head = {status = tonumber(status), reason = sub(reason, 2), n = 0,
                  version = tonumber(major) * 10 + tonumber(minor),
                  name = {}, key = {}, value = {}}
    for line in gmatch(rest, "[^\n]+") do
        local is_crlf = sub(line, -1) == "\r"
        local ok, err = read_line(head, is_crlf and sub(line, 1, -2) or line)
        if not ok then
            return nil, err
        end
    end
    return read_framing(head)
end


-- What came where no head was: HTTP/0.9.
function _M.none()
    return {status = 200, reason = "", version = 9, n = 0, name = {}, key = {},
            value = {}, is_closing = true}
end


return _M
