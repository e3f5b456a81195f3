-- One header line.
--
-- Source: RFC 9110 section 5, read as ngx_http_parse_header_line and the
-- handlers of ngx_http_headers_in read it. Rules:
--
-- 1. What nginx refuses is refused here, in its words.
-- 2. Names of letters, digits and "-" are common. A line with another name
--    is one that nginx drops by default; its record says so in `note`.
-- 3. Spaces around a value are not part of it; a tab is, as in nginx. So
--    a framing header with a tab before its value is invalid, not read.
-- 4. What nginx takes and h11 might not is marked odd: control characters
--    and tabs at the edges of a value, a line without colon or with several
--    CR at its end, a Content-Length of more than 20 digits.
--
-- A line that is taken is a record that is kept and shared, never changed:
--
--   name, value, lower   as sent, without spaces around; name in lower case
--   note         what nginx logs where it drops the line
--   underscore   true where "_" is all that is uncommon in the name
--   token        whether the name is one to RFC 9110
--   odd          true where h11 must be asked
--   once         true where nginx refuses a second line of that name
--   sets, fact   the field of the head it sets, and to what: host (or false),
--                content_length (or false), coding, keepalive, expect

local host = require "resty_py.http.host"
local memo = require "resty_py.http.memo"
local octets = require "resty_py.http.octets"

local are_text = octets.are_text
local byte = string.byte
local find = string.find
local format = string.format
local ipairs = ipairs
local lower = string.lower
local match = string.match
local store = memo.store
local sub = string.sub
local tonumber = tonumber

-- Lines and names kept per generation; longer ones are read each time.
local LINES = 1024
local LINE_LENGTH = 256
local NAMES = 256
local NAME_LENGTH = 64
-- The most digits that h11 takes (CONTENT_LENGTH_MAX_DIGITS), and the largest
-- value of nginx's off_t.
local LENGTH_DIGITS = 20
local LENGTH_MAX = "9223372036854775807"

local WHILE = " while reading client request headers"
local COLON, CR, SPACE, TAB = byte(":\r \t", 1, 4)

local _M = {
    lines = memo.new(LINES),
}


-- What a name means --------------------------------------------------------


local function read_length(value)
    if not find(value, "^[0-9]+$") then
        return false
    end
    local digits = match(value, "^0*(.*)$")
    if #digits > #LENGTH_MAX
       or #digits == #LENGTH_MAX and digits > LENGTH_MAX then
        return false
    end
    return tonumber(value)
end


-- nginx looks for the word anywhere in the value.
local function read_connection(value)
    local text = lower(value)
    if find(text, "close", 1, true) then
        return false
    elseif find(text, "keep-alive", 1, true) then
        return true
    end
end


local function read_expect(value)
    return lower(value) == "100-continue" or nil
end


local function read_host(value)
    return host.normalize(value) or false
end


local function read_coding(value)
    return value
end


-- lower-case name -> {the head's field, how to read its value}
local MEANINGS = {
    host = {"host", read_host},
    connection = {"keepalive", read_connection},
    expect = {"expect", read_expect},
    ["content-length"] = {"content_length", read_length},
    ["transfer-encoding"] = {"coding", read_coding},
}

-- Handled by ngx_http_process_host or ngx_http_process_unique_header_line.
local UNIQUE = {}
for _, name in ipairs {
    "authorization", "content-length", "content-range", "expect", "host",
    "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "transfer-encoding",
} do
    UNIQUE[name] = true
end


-- What is known of a name, by the name as sent.
local names = memo.new(NAMES)


local function know(name)
    local key = lower(name)
    local meaning = MEANINGS[key]
    local known = {name = name, lower = key,
                   special = UNIQUE[key] or meaning ~= nil,
                   once = UNIQUE[key],
                   sets = meaning and meaning[1],
                   read = meaning and meaning[2]}
    if #name > NAME_LENGTH then
        return known
    end
    return store(names, name, known)
end


-- Returns what is known of a common name, or nil where it is not one.
local function look_up(name)
    local known = memo.recall(names, name)
    if known then
        return known
    elseif find(name, "^[A-Za-z0-9%-]+$") then
        return know(name)
    end
end


-- Records ------------------------------------------------------------------


local function new_special(known, value)
    local sets = known.sets
    return {
        name = known.name,
        value = value,
        lower = known.lower,
        once = known.once,
        sets = sets,
        fact = sets and known.read(value),
        odd = sets == "content_length" and #value > LENGTH_DIGITS,
    }
end


local function new_record(known, value)
    if known.special then
        return new_special(known, value)
    end
    return {name = known.name, value = value, lower = known.lower}
end


-- A record of a line whose name is not common.
local function new_stranger(name, value, text)
    return {
        name = name,
        value = value,
        lower = lower(name),
        note = 'client sent invalid header line: "' .. text .. '"' .. WHILE,
        underscore = find(name, "^[A-Za-z0-9_%-]+$") ~= nil,
        token = find(name, "^[A-Za-z0-9!#$%%&'*+.^_`|~%-]+$") ~= nil,
    }
end


-- Any line, as nginx reads it ----------------------------------------------


local function refuse(line, stop)
    return nil, 'client sent invalid header line: "' .. sub(line, 1, stop - 1)
        .. format('\\x%02x..."', byte(line, stop)) .. WHILE
end


-- Returns the first and the last byte from `from` to `last` that are no
-- spaces; the first is behind the last where all are.
local function trim(line, from, last)
    while from <= last and byte(line, from) == SPACE do
        from = from + 1
    end
    while last >= from and byte(line, last) == SPACE do
        last = last - 1
    end
    return from, last
end


-- Where nginx gives up on a value that starts at `from`: at a NUL, or at a CR
-- that does not end the line, but then at the spaces before it.
local function find_fault(line, from)
    local nul = find(line, "\0", from, true)
    local cr = find(line, "\r[^\r]", from) and find(line, "\r", from, true)
    if not cr or nul and nul < cr then
        return nul
    end
    local first, last = trim(line, from, cr - 1)
    return first <= last and last + 1 or cr
end


local function read_value(line, name_end)
    local fault = find_fault(line, name_end + 2)
    if fault then
        return refuse(line, fault)
    end
    local whole = match(line, "^[^\r]*")
    local first, last = trim(whole, name_end + 2, #whole)
    local value = sub(whole, first, last)
    local text = value == "" and whole or sub(whole, 1, last)
    return value, text, not are_text(value) or byte(value, 1) == TAB
        or byte(value, -1) == TAB or #whole < #line
end


local function read_nameless(line, name_end)
    if name_end == 0 or find(line, "\r[^\r]") then
        return refuse(line, name_end + 1)
    end
    return "", sub(line, 1, name_end), true
end


-- Returns the end of the name, value, what nginx would log, odd |
-- nil, reason.
local function read_line(line)
    local _, name_end = find(line, "^[!-9;-~\128-\255]*")
    local stop = byte(line, name_end + 1)
    local value, text, odd
    if stop == COLON and name_end > 0 then
        value, text, odd = read_value(line, name_end)
    elseif stop == CR or not stop then
        value, text, odd = read_nameless(line, name_end)
    else
        return refuse(line, name_end + 1)
    end
    if not value then
        return nil, text
    end
    return name_end, value, text, odd
end


-- Returns the record of a line that is cut already.
--   text   the line up to the end of its value, for the log
function _M.of(name, value, text)
    local known = look_up(name)
    return known and new_record(known, value)
        or new_stranger(name, value, text)
end


local function parse_any(line)
    local name_end, value, text, odd = read_line(line)
    if not name_end then
        return nil, value
    end
    local record = _M.of(sub(line, 1, name_end), value, text)
    if odd then
        record.odd = true
    end
    return record
end


-- Common lines --------------------------------------------------------------


local function parse_common(line)
    local colon = find(line, ":", 1, true)
    local known = colon and look_up(sub(line, 1, colon - 1))
    if not known then
        return nil
    end
    local first, last = trim(line, colon + 1, #line)
    local value = sub(line, first, last)
    if byte(value, 1) == TAB or byte(value, -1) == TAB
       or not are_text(value) then
        return nil
    end
    return new_record(known, value)
end


-- Reads a header line without its line end.
-- Returns its record | nil, what nginx logs; the status is 400.
function _M.parse(line)
    local record = parse_common(line)
    if record then
        return record
    end
    return parse_any(line)
end


-- The same, through the memory of lines.
function _M.lookup(line)
    local record = memo.recall(_M.lines, line)
    if record then
        return record
    end
    local reason
    record, reason = _M.parse(line)
    if record and #line <= LINE_LENGTH then
        return store(_M.lines, line, record)
    end
    return record, reason
end


return _M
