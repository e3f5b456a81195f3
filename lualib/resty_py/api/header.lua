-- ngx.header and ngx.resp.get_headers: the headers of the response.
--
-- Rules:
--
-- 1. A header is set by replacing the first of its name and dropping the
--    others; that one keeps its place, and its name unless nginx knows it.
-- 2. No value, "" and {} take a header out. An array sets one header per
--    element; of headers that nginx knows to be single the last one stays.
-- 3. Content-Type has a slot of its own in the request. Connection: close
--    ends the connection after the response; the line itself, and
--    Transfer-Encoding, are the server's to write.
-- 4. Names and values are escaped (http/escape.lua).
--
-- Follows resty.core.response, ngx_http_lua_headers.c and
-- ngx_http_lua_headers_out.c.

local escape = require "resty_py.http.escape"
local headers_of = require "resty_py.http.header_list".of
local httptime = require "resty_py.codec.httptime"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local response = require "resty_py.http.response"
local scalar = require "resty_py.api.scalar"

local add_value = require "resty_py.codec.repeated".add
local client = phases.client
local error = error
local escape_name = escape.name
local escape_value = escape.value
local find = string.find
local floor = math.floor
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local is_sent = response.is_sent
local last_modified = require "resty_py.http.validators".last_modified
local lower = string.lower
local setmetatable = setmetatable
local tonumber = tonumber
local to_text = scalar.any
local type = type

-- Values of one name that ngx.header gives: MAX_HEADER_VALUES.
local MAX_VALUES = 100
-- Headers that ngx.resp.get_headers gives by default:
-- NGX_HTTP_LUA_MAX_HEADERS.
local MAX_HEADERS = 100

local _M = {}


-- Setting --------------------------------------------------------------------


local function set(...)
    local names = {}
    for _, name in ipairs {...} do
        names[name] = true
    end
    return names
end


-- Headers with a slot of nginx's own: single, and written as last named.
-- (Location has one, but leaves it where it is a path.)
local SINGLE = set("content-encoding", "refresh", "last-modified",
                   "content-range", "accept-ranges", "www-authenticate",
                   "expires", "etag", "e-tag", "content-length")


-- These return nothing, or why they refuse.


local function put_content_type(r, _, value)
    r.content_type = value
    if r.headers then
        r.headers:clear("content-type")
    end
end


-- Digits of a length that a 64-bit offset always holds.
local MAX_DIGITS = 18


local function put_content_length(r, record, value)
    if find(value, "[^0-9]") or #value > MAX_DIGITS then
        return "failed to set header"
    elseif value == "" then
        r.content_length = nil
        headers_of(r):clear("content-length")
    else
        headers_of(r):set(record.name, value, "content-length", true)
    end
end


local function put_connection(r, record, value)
    if find(lower(value), "close", 1, true) then
        r.keepalive = false
    end
    if value ~= "" then
        headers_of(r):set(record.name, value, "connection")
    elseif r.headers then
        r.headers:clear("connection")
    end
end


-- Server and Date: what was set takes the place of the server's own, even if
-- it is nothing.
local function put_signature(r, record, value)
    local headers, key = headers_of(r), record.lower
    headers.own = headers.own or {}
    headers.own[key] = false
    if value ~= "" then
        headers:set(record.name, value, key, true)
    else
        headers:clear(key)
    end
end


-- The time of a file goes with the header that takes its place.
local function put_last_modified(r, record, value)
    r.last_modified = nil
    if value ~= "" then
        headers_of(r):set(record.name, value, "last-modified", true)
    elseif r.headers then
        r.headers:clear("last-modified")
    end
end


local SPECIAL = {
    ["content-type"] = put_content_type,
    ["last-modified"] = put_last_modified,
    ["content-length"] = put_content_length,
    connection = put_connection,
    server = put_signature,
    date = put_signature,
}


-- A redirect of nginx's own is another header, which gives way.
local function forget_redirect(r)
    r.local_redirect = false
    r.headers:clear("location")
end


-- record: as escape.name() gives it; override: in place of others of the name.
local function put(r, record, value, override)
    local key = record.lower
    local special = SPECIAL[key]
    value = escape_value(value)
    if r.local_redirect and key == "location" then
        forget_redirect(r)
    end
    if special then
        return special(r, record, value)
    elseif value == "" then
        if (override or SINGLE[key]) and r.headers then
            r.headers:clear(key)
        end
    elseif override or SINGLE[key] then
        headers_of(r):set(record.name, value, key, SINGLE[key])
    else
        headers_of(r):add(record.name, value, key)
    end
end


-- As in OpenResty the elements of the user's array become strings.
local function put_all(r, record, values, override)
    local n = #values
    if n == 0 and override then
        return put(r, record, "", true)
    end
    for i = 1, n do
        local value = to_text(values[i])
        values[i] = value
        local err = put(r, record, value, override and i == 1)
        if err then
            return err
        end
    end
end


local function record_of(r, name)
    local record = escape_name(to_text(name))
    if r.settings.lua_transform_underscores_in_response_headers then
        return record.dashed
    end
    return record
end


local function change(r, name, value, override)
    if is_sent(r) then
        log.request(r, log.ERR, "attempt to set ngx.header.HEADER after "
                    .. "sending out response headers")
        return
    end
    if r.captured then
        r.has_lua_headers = true
    end
    local record = record_of(r, name)
    if record.name == "" then
        return
    end
    if type(value) == "table" then
        return put_all(r, record, value, override)
    end
    return put(r, record, value == nil and "" or to_text(value), override)
end


-- Sets a header: ngx.header.NAME = value. Returns nothing, or why not.
function _M.set(r, name, value)
    return change(r, name, value, true)
end


-- Adds a header beside those of its name: ngx.resp.add_header(name, value).
-- Returns nothing, or why not.
function _M.add(r, name, value)
    return change(r, name, value, false)
end


-- Reading --------------------------------------------------------------------


local function get_content_type(r)
    local value = r.content_type
    return value ~= "" and value or nil
end


local function get_content_length(r)
    local length = r.content_length
    return length and format("%d", length)
end


-- The time that was set, as nginx writes it; nil where it is none.
local function get_last_modified(r)
    local time = last_modified(r)
    return time and httptime.http_time(time)
end


local function get_any(r, key)
    local headers = r.headers
    local first = headers and headers:find(key)
    if not first then
        return nil
    end
    local values, n = headers:get_all(key, MAX_VALUES)
    if n == 1 then
        return values[1]
    end
    return values
end


-- Returns the value of a header, an array where it has several, or nil.
function _M.get(r, name)
    local key = record_of(r, name).lower
    if key == "content-type" then
        return get_content_type(r)
    elseif key == "last-modified" then
        return get_last_modified(r)
    end
    return get_any(r, key)
        or key == "content-length" and get_content_length(r) or nil
end


-- Puts what the server writes of its own; returns how many they are.
local function store_own(r, found)
    local n = 1
    if get_content_type(r) then
        found["content-type"] = r.content_type
        n = n + 1
    end
    if r.content_length and not (r.headers
                                 and r.headers:find("content-length")) then
        found["content-length"] = get_content_length(r)
        n = n + 1
    end
    found.connection = r.status == 101 and "upgrade"
        or r.keepalive and "keep-alive" or "close"
    if r.chunked then
        found["transfer-encoding"] = "chunked"
        n = n + 1
    end
    return n
end


local function is_server_s(key)
    return key == "connection" or key == "transfer-encoding"
end


-- Returns a table of the headers [, "truncated"].
--   max   headers at most, 0 for no limit
--   raw   names as they were set, not in lower case
function _M.get_all(r, max, raw)
    local found = {}
    local own = store_own(r, found)
    local headers = r.headers
    local n = headers and headers.n or 0
    local left, truncated = n, nil
    if max > 0 and n + own > max then
        left, truncated = max - own, "truncated"
    end
    for i = 1, n do
        if not is_server_s(headers.key[i]) then
            add_value(found, raw and headers.name[i] or headers.key[i],
                  headers.value[i])
        end
        left = left - 1
        if left <= 0 then
            break
        end
    end
    return found, truncated
end


-- The API --------------------------------------------------------------------


local normalizing = {
    __index = function(found, name)
        local key = gsub(lower(name), "_", "-")
        if key ~= name then
            return found[key]
        end
    end,
}


local function get_headers(max, raw)
    local r = client()
    if max == nil then
        max = MAX_HEADERS
    elseif not tonumber(max) then
        error(format("bad argument #1 to 'get_headers' (number expected, got "
                     .. "%s)", type(max)), 2)
    end
    local found, truncated = _M.get_all(r, floor(tonumber(max)), raw)
    if truncated and log.debugs(r) then
        log.debug(r, format("lua exceeding response header limit %d > %d",
                            r.headers.n + 1, max))
    end
    if not raw then
        setmetatable(found, normalizing)
    end
    if truncated then
        return found, truncated
    end
    return found
end


function _M.install(ngx)
    ngx.header = setmetatable({}, {
        __index = function(_, name)
            local r = client()
            return _M.get(r, name)
        end,
        __newindex = function(_, name, value)
            local err = change(client(), name, value, true)
            if err then
                error(err, 2)
            end
        end,
    })
    ngx.resp.get_headers = get_headers
end


return _M
