-- The head of an upstream's response.
--
--   read(text, from)  a head, where what follows it begins
--                     | nil: not all of it has come | false, what is wrong
--   none()            that of a response without: HTTP/0.9
--   find(head, key)   the first value of a header, key in lower case, or nil
--
-- A head: {status, reason, version, is_closing, length, is_chunked, n,
-- fields}, and the values of SLOTS that have come. A field is the record of a
-- line, {name, key, value}, which is kept and shared: an upstream repeats
-- itself, so most lines cost a search and a table lookup. Of the status line
-- `reason` is what follows the status, with its space.
--
-- Follows ngx_http_parse_status_line, ngx_http_parse_header_line and
-- ngx_http_proxy_process_header.

local memo = require "resty_py.http.memo"

local byte = string.byte
local find = string.find
local format = string.format
local lower = string.lower
local match = string.match
local recall = memo.recall
local store = memo.store
local sub = string.sub
local tonumber = tonumber

local CR, SPACE = byte("\r ", 1, 2)
-- Of a length: past them numbers are not exact.
local LENGTH_DIGITS = 15
-- Lines kept per generation; longer ones are read each time.
local STATUSES, LINES, LINE_LENGTH = 64, 1024, 256

local NO_HEAD = "upstream sent no valid HTTP/1.0 header"
local TWO_FRAMINGS = 'upstream sent "Content-Length" and "Transfer-Encoding" '
    .. "headers at the same time"

-- Where a head keeps the first value of what every response is asked for.
local SLOTS = {
    connection = "connection",
    ["content-length"] = "content_length",
    ["content-type"] = "content_type",
    ["transfer-encoding"] = "transfer_encoding",
    ["x-accel-buffering"] = "accel_buffering",
    ["x-accel-limit-rate"] = "accel_limit_rate",
    ["x-accel-redirect"] = "accel_redirect",
}

local statuses, lines = memo.new(STATUSES), memo.new(LINES)

local _M = {}


-- Lines ----------------------------------------------------------------------


-- Returns the line that the LF at `stop` ends.
local function cut(text, from, stop)
    local last = stop - 1
    return sub(text, from, byte(text, last) == CR and last - 1 or last)
end


local function remember(known, line, record)
    return #line <= LINE_LENGTH and store(known, line, record) or record
end


-- What the log says of a line: all before the byte at fault.
local function invalid(line, fault)
    return nil, format('upstream sent invalid header: "%s\\x%02x..."',
                       sub(line, 1, fault - 1), byte(line, fault))
end


local function read_line(line)
    local name, value = match(line, "^([^:%c ]+):[ \t]*(.-)[ \t]*$")
    local fault = name and find(line, "[%z\r]", #name)
    if not name or fault then
        return invalid(line, fault or find(line, "[%c ]") or #line)
    end
    local key = lower(name)
    return remember(lines, line, {name = name, key = key, value = value,
                                  slot = SLOTS[key]})
end


local function read_status(line)
    local major, minor, status, reason = match(
        line, "^HTTP/(%d+)%.(%d+) +(%d%d%d)(.*)$")
    if not status or reason ~= "" and byte(reason) ~= SPACE then
        return nil
    end
    return remember(statuses, line, {
        status = tonumber(status),
        reason = reason,
        version = tonumber(major) * 10 + tonumber(minor),
    })
end


-- The head -------------------------------------------------------------------


local function new_head(status, reason, version)
    return {
        status = status,
        reason = reason,
        version = version,
        is_closing = true,
        is_chunked = false,
        length = nil,
        n = 0,
        fields = {nil, nil, nil, nil, nil, nil, nil, nil},
        connection = nil,
        content_length = nil,
        content_type = nil,
        transfer_encoding = nil,
        accel_buffering = nil,
    }
end


-- Returns the first value of a header, key in lower case, or nil.
function _M.find(head, key)
    for i = 1, head.n do
        if head.fields[i].key == key then
            return head.fields[i].value
        end
    end
end


local function is_length(text)
    return find(text, "^%d+$") and #text <= LENGTH_DIGITS
end


local function is_closing(head)
    local connection = head.connection
    if not connection then
        return head.version < 11
    end
    connection = lower(connection)
    return find(connection, "close", 1, true) ~= nil
        or head.version < 11 and not find(connection, "keep-alive", 1, true)
end


-- What the headers say of the connection and of the body. Returns true | nil,
-- what is wrong.
local function read_framing(head)
    head.is_closing = is_closing(head)
    local coding, length = head.transfer_encoding, head.content_length
    if coding and length then
        return nil, TWO_FRAMINGS
    elseif length and not is_length(length) then
        return nil, 'upstream sent invalid "Content-Length" header: "'
            .. length .. '"'
    elseif head.has_two_lengths then
        return nil, 'upstream sent duplicate header line: "Content-Length: '
            .. length .. '"'
    elseif coding and lower(coding) ~= "chunked" then
        return nil, 'upstream sent unknown "Transfer-Encoding": "' .. coding
            .. '"'
    end
    head.is_chunked = coding ~= nil
    head.length = length and tonumber(length)
    return true
end


local function add(head, field)
    local n, slot = head.n + 1, field.slot
    head.n = n
    head.fields[n] = field
    if slot and not head[slot] then
        head[slot] = field.value
    elseif slot == "content_length" then
        head.has_two_lengths = true
    end
end


local function read_fields(head, text, from)
    local stop = find(text, "\n", from, true)
    if not stop then
        return nil
    end
    local line = cut(text, from, stop)
    if line == "" then
        local ok, err = read_framing(head)
        return ok and head or false, ok and stop + 1 or err
    end
    local field, err = recall(lines, line), nil
    if not field then
        field, err = read_line(line)
    end
    if not field then
        return false, err
    end
    add(head, field)
    return read_fields(head, text, stop + 1)
end


function _M.read(text, from)
    local stop = find(text, "\n", from, true)
    if not stop then
        return nil
    end
    local line = cut(text, from, stop)
    local first = recall(statuses, line) or read_status(line)
    if not first then
        return false, NO_HEAD
    end
    return read_fields(new_head(first.status, first.reason, first.version),
                       text, stop + 1)
end


function _M.none()
    return new_head(200, "", 9)
end


return _M
