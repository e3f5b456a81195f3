-- The header block of a response: its lines in nginx's order.
--
--   write(r)   puts it into r.out; what the request's fields mean is said in
--              response.lua
--
-- Follows ngx_http_header_filter_module.c.

local clock = require "resty_py.clock"
local httptime = require "resty_py.codec.httptime"
local redirection = require "resty_py.http.redirection"
local status = require "resty_py.http.status"

local floor = math.floor
local format = string.format
local http_time = httptime.http_time
local status_line = status.line

local LAST_CHUNK = "0\r\n\r\n"

local _M = {}

-- The lines that a response starts with, by its status; made once a second.
local openings = {}
local fixed_second, fixed_product = -1, nil


-- Returns them, where they are the server's own.
local function usual_opening(code, product)
    local second = floor(clock.wall)
    if second ~= fixed_second or product ~= fixed_product then
        fixed_second, fixed_product, openings = second, product, {}
    end
    local lines = openings[code]
    if not lines then
        lines = "HTTP/1.1 " .. status_line(code) .. "\r\nServer: " .. product
            .. "\r\nDate: " .. http_time(second)
        openings[code] = lines
    end
    return lines
end


local function put(r, piece)
    local n = r.out_n + 1
    r.out_n = n
    r.out[n] = piece
    r.head_size = r.head_size + #piece
end


-- Whether a line of the server's own is written: where none was set, unless
-- headers.own says otherwise.
local function writes(headers, key)
    local own = headers.own and headers.own[key]
    if own == nil then
        return not headers:find(key)
    end
    return own
end


-- The status with its phrase, or with one of the user's own.
local function status_of(r)
    if r.reason and r.reason_status == r.status then
        return r.status .. r.reason
    end
    return status_line(r.status)
end


local function opening(r, headers)
    local product = r.settings.product
    local server = not headers or writes(headers, "server")
    local date = not headers or writes(headers, "date")
    if server and date and not r.reason then
        return usual_opening(r.status, product)
    end
    local line = "HTTP/1.1 " .. status_of(r)
    if server then
        line = line .. "\r\nServer: " .. product
    end
    if date then
        line = line .. "\r\nDate: " .. http_time(floor(clock.wall))
    end
    return line
end


-- How the end of the body is told: by length, by chunks or by closing.
local function frame(r, headers)
    if r.header_only or r.content_length
        or headers and headers:get("content-length")
    then
        return
    end
    if r.version >= 11 and r.status >= 200
       and r.settings.chunked_transfer_encoding
    then
        r.chunked = LAST_CHUNK
    else
        r.keepalive = false
    end
end


local CONNECTION = {
    [true] = "\r\nConnection: keep-alive\r\n",
    [false] = "\r\nConnection: close\r\n",
}


local function connection_line(r)
    if r.status == 101 then
        return "\r\nConnection: upgrade\r\n"
    end
    local line = CONNECTION[r.keepalive]
    local seconds = r.keepalive and r.settings.keepalive_header or 0
    if seconds == 0 then
        return line
    end
    return format("%sKeep-Alive: timeout=%d\r\n", line, seconds)
end


-- Puts those from place `i` on.
local function put_custom(r, headers, i)
    local key = headers.key[i]
    if not key then
        return
    elseif key ~= "connection" and key ~= "transfer-encoding" then
        put(r, headers.name[i])
        put(r, ": ")
        put(r, headers.value[i])
        put(r, "\r\n")
    end
    return put_custom(r, headers, i + 1)
end


-- A redirect to a path leaves as a whole URL.
local function put_location(r, headers)
    local path = headers and headers:get("location")
    local url = path and redirection.absolute(r, path)
    if url and url ~= path then
        headers:clear("location")
        r.sent_location = url
        put(r, "\r\nLocation: ")
        put(r, url)
    end
end


local function put_head(r)
    local headers = r.headers
    put(r, opening(r, headers))
    if r.content_type and r.content_type ~= "" then
        put(r, "\r\nContent-Type: ")
        put(r, r.content_type)
    end
    if r.content_length and not (headers and headers:find("content-length"))
    then
        put(r, "\r\nContent-Length: ")
        put(r, format("%d", r.content_length))
    end
    if r.last_modified and not (headers and headers:find("last-modified"))
    then
        put(r, "\r\nLast-Modified: ")
        put(r, http_time(r.last_modified))
    end
    if r.local_redirect then
        put_location(r, headers)
    end
    if r.chunked then
        put(r, "\r\nTransfer-Encoding: chunked")
    end
    put(r, connection_line(r))
    if r.varies then
        put(r, "Vary: Accept-Encoding\r\n")
    end
    if headers then
        put_custom(r, headers, 1)
    end
    put(r, "\r\n")
end


function _M.write(r)
    if r.version == 9 then
        r.keepalive = false
        r.header_only = false
        return
    end
    if r.downstream.listener.draining then
        r.keepalive = false
    end
    frame(r, r.headers)
    r.head_size = 0
    put_head(r)
    r.out_size = r.out_size + r.head_size
end


return _M
