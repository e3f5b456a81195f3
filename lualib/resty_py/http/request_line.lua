-- The request line.
--
-- Source: RFC 9112 section 3, read as ngx_http_parse_request_line reads it.
-- Rules:
--
-- 1. What nginx refuses is refused here, with its status and its words.
-- 2. What nginx takes and h11 might not is read as nginx reads it and marked
--    odd: more than one space, spaces at the end, a version of more than two
--    digits, bytes above 127 in the target. h11 has the last word on it.
-- 3. HTTP/0.9 ("GET /path") is taken as nginx takes it; h11 does not know it.
--
-- A line that is taken is a record that is kept and shared, never changed:
--
--   text          the line itself
--   method        as sent
--   target        the request target as sent
--   version       9, 10, 11; 10 + n for HTTP/1.n
--   uri, args     $uri; $args or nil
--   exten         the extension of the last path segment, or nil
--   request_uri   $request_uri: the target without scheme and authority
--   host          the host of an absolute target, or nil
--   banned        what nginx logs where it answers 405
--   odd           true where h11 must be asked

local host = require "resty_py.http.host"
local memo = require "resty_py.http.memo"
local octets = require "resty_py.http.octets"
local uri = require "resty_py.http.uri"

local are_visible = octets.are_visible
local byte = string.byte
local find = string.find
local ipairs = ipairs
local match = string.match
local recall = memo.recall
local store = memo.store
local sub = string.sub
local tonumber = tonumber

local SLASH = byte("/")
-- The largest minor version that nginx reads.
local MINOR_MAX = 999
local NEWEST = " HTTP/1.1"

-- Lines kept per generation, by the state of merge_slashes; longer lines are
-- read each time.
local LINES = 512
local LINE_LENGTH = 256

local WHILE = " while reading client request line"
local BAD_METHOD = "client sent invalid method" .. WHILE
local BAD_REQUEST = "client sent invalid request" .. WHILE
local BAD_VERSION = "client sent invalid version" .. WHILE
local BAD_09 = "client sent invalid method in HTTP/0.9 request" .. WHILE
local BAD_HOST = "client sent invalid host in request line" .. WHILE

-- Methods that nginx answers with 405, before any location has a say.
local BANNED = {
    CONNECT = "client sent CONNECT method",
    TRACE = "client sent TRACE method",
}

-- Methods that need no closer look.
local METHODS = {}
for _, method in ipairs {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH",
                         "OPTIONS"} do
    METHODS[method] = method
end

local _M = {
    merging = memo.new(LINES),
    exact = memo.new(LINES),
}


-- Reads what is behind the target: nothing, or the version.
-- Returns the version, whether it is odd | nil, status, reason.
local function read_version(rest)
    if rest == NEWEST then
        return 11, false
    elseif find(rest, "^ *$") then
        return 9, false
    end
    local major, behind = match(rest, "^ +HTTP/([1-9])()")
    if not major then
        return nil, 400, BAD_REQUEST
    elseif major ~= "1" or find(rest, "^%d", behind) then
        return nil, 505, BAD_VERSION
    end
    local minor = tonumber((match(rest, "^%.(%d+) *$", behind)))
    if not minor or minor > MINOR_MAX then
        return nil, 400, BAD_REQUEST
    end
    return 10 + minor, not find(rest, "^ HTTP/1%.%d$")
end


-- Returns method, spaces, target, rest | nil.
local function cut(text)
    local method, spaces = match(text, "^([A-Z_%-]+)( +)")
    if not method then
        return nil, 400, BAD_METHOD
    end
    local target, rest = match(text, "^([!-~\128-\255]+)(.*)$",
                               #method + #spaces + 1)
    if not target then
        return nil, 400, BAD_REQUEST
    end
    return method, spaces, target, rest
end


local function with_uri(line, request_uri, authority, merge_slashes)
    if request_uri == "" then
        request_uri = "/"
    end
    line.request_uri = request_uri
    line.uri, line.args, line.exten = uri.normalize(request_uri, merge_slashes)
    if not line.uri then
        return nil, 400, BAD_REQUEST
    end
    line.host = authority and host.normalize(authority)
    if authority and not line.host then
        return nil, 400, BAD_HOST
    end
    return line
end


-- Any line, as nginx reads it.
local function parse_any(text, merge_slashes)
    local method, spaces, target, rest = cut(text)
    if not method then
        return nil, spaces, target
    end
    local request_uri, authority = uri.split(target)
    if not request_uri or request_uri == "" and rest == "" then
        return nil, 400, BAD_REQUEST
    end
    local version, odd, reason = read_version(rest)
    if not version then
        return nil, odd, reason
    elseif version == 9 and method ~= "GET" then
        return nil, 400, BAD_09
    end
    return with_uri({
        text = text,
        method = method,
        target = target,
        version = version,
        banned = BANNED[method],
        odd = version > 9 and (odd or spaces ~= " "
                               or find(target, "[\128-\255]") ~= nil),
    }, request_uri, authority, merge_slashes)
end


-- A line as most are: "GET /path HTTP/1.1". Returns nil for others.
local function parse_common(text, merge_slashes)
    local space = find(text, " ", 1, true)
    local method = space and METHODS[sub(text, 1, space - 1)]
    if not method or sub(text, -#NEWEST) ~= NEWEST then
        return nil
    end
    local target = sub(text, space + 1, -#NEWEST - 1)
    if byte(target, 1) ~= SLASH or not are_visible(target) then
        return nil
    end
    return with_uri({
        text = text,
        method = method,
        target = target,
        version = 11,
        banned = nil,
        odd = false,
    }, target, nil, merge_slashes)
end


-- Reads a request line without its line end.
-- Returns its record | nil, status, what nginx logs.
function _M.parse(text, merge_slashes)
    local line, status, reason = parse_common(text, merge_slashes)
    if line or status then
        return line, status, reason
    end
    return parse_any(text, merge_slashes)
end


-- The same, through the memory of lines.
function _M.lookup(known, text)
    local line = recall(known, text)
    if line then
        return line
    end
    local status, reason
    line, status, reason = _M.parse(text, known == _M.merging)
    if line and #text <= LINE_LENGTH then
        return store(known, text, line)
    end
    return line, status, reason
end


-- Says whether `text`, the start of a line, can become a request line.
function _M.may_start(text)
    return find(text, "^[A-Z_%-]+$") or find(text, "^[A-Z_%-]+ ")
end


-- Bytes of empty lines before a request line; nginx takes any number of them,
-- but it need not keep them.
_M.EMPTY_MAX = 1024
_M.BAD_METHOD = BAD_METHOD
_M.BAD_REQUEST = BAD_REQUEST

return _M
