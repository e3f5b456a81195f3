-- Sending a response: header and body filters of nginx in one place.
--
-- Output collects as pieces in r.out and leaves in one send where it can:
-- when postpone_output bytes are there, on a flush, when the response ends.
-- What the socket does not take waits in the downstream (downstream.lua).
--
-- Fields of a request that belong to the response:
--
--   status          0 until set or sent
--   headers         header_list of what was set, nil until the first
--   content_type    the one slot that nginx keeps apart, nil: default
--   headers_sent, eof      header block sent; last byte given
--   header_only     no body goes out: HEAD, 204, 304
--   chunked         the body is framed
--   buffering       HTTP/1.0: all is kept to count it (lua_http10_buffering)
--   out, out_n, out_size   pieces not yet handed down, and their bytes
--   body_sent       body bytes given out
--   head_size       bytes of the header block
--   sent            bytes handed down, header block and framing included, but
--                   for those that were lost; bytes_sent() tells how many of
--                   them have left
--
-- Follows ngx_http_header_filter_module.c, ngx_http_write_filter_module.c
-- and ngx_http_lua_output.c.

local clock = require "resty_py.clock"
local httptime = require "resty_py.codec.httptime"
local status = require "resty_py.http.status"

local concat = table.concat
local floor = math.floor
local format = string.format
local http_time = httptime.http_time
local setmetatable = setmetatable
local status_line = status.line

local CHUNK_END = "\r\n"
local LAST_CHUNK = "0\r\n\r\n"

-- Chunk-size lines up to this size are kept ready.
local READY_SIZES = 4096

local _M = {}

local chunk_heads = setmetatable({}, {__index = function(self, size)
    local head = format("%x\r\n", size)
    if size <= READY_SIZES then
        self[size] = head
    end
    return head
end})

local fixed_second, fixed_lines = -1, nil


-- The lines that every response starts with, made once a second.
local function server_and_date(product)
    local second = floor(clock.wall)
    if second ~= fixed_second then
        fixed_second = second
        fixed_lines = "\r\nServer: " .. product .. "\r\nDate: "
            .. http_time(second)
    end
    return fixed_lines
end


local function put(r, piece)
    local n = r.out_n + 1
    r.out_n = n
    r.out[n] = piece
end


local function opening(r, headers)
    local line = "HTTP/1.1 " .. status_line(r.status)
    local product = r.settings.product
    if not headers or not (headers:get("server") or headers:get("date")) then
        return line .. server_and_date(product)
    end
    if not headers:get("server") then
        line = line .. "\r\nServer: " .. product
    end
    if not headers:get("date") then
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
    if r.version == 11 and r.status >= 200 then
        r.chunked = true
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
    return CONNECTION[r.keepalive]
end


local function put_custom(r, headers)
    for i = 1, headers.n do
        local key = headers.key[i]
        if key ~= "connection" and key ~= "transfer-encoding" then
            put(r, headers.name[i])
            put(r, ": ")
            put(r, headers.value[i])
            put(r, "\r\n")
        end
    end
end


local function put_head(r)
    local headers = r.headers
    put(r, opening(r, headers))
    if r.content_type and r.content_type ~= "" then
        put(r, "\r\nContent-Type: ")
        put(r, r.content_type)
    end
    if r.content_length then
        put(r, "\r\nContent-Length: ")
        put(r, format("%d", r.content_length))
    end
    if r.chunked then
        put(r, "\r\nTransfer-Encoding: chunked")
    end
    put(r, connection_line(r))
    if headers then
        put_custom(r, headers)
    end
    put(r, "\r\n")
end


local function count_head(r)
    local size = 0
    for i = 1, r.out_n do
        size = size + #r.out[i]
    end
    r.head_size = size
    r.out_size = r.out_size + size
end


local function write_head(r)
    if r.version == 9 then
        r.keepalive = false
        r.header_only = false
        return
    end
    if r.downstream.listener.draining then
        r.keepalive = false
    end
    frame(r, r.headers)
    put_head(r)
    count_head(r)
end


-- Sends the header block, once.
function _M.send_headers(r)
    if r.headers_sent then
        return
    end
    r.headers_sent = true
    if r.status == 0 then
        r.status = 200
    end
    if r.status == 204 then
        r.header_only = true
        r.content_type = nil
        r.content_length = nil
    elseif r.status == 304 then
        r.header_only = true
    elseif not r.content_type and r.settings.lua_use_default_type then
        r.content_type = r.settings.default_type
    end
    if r.method == "HEAD" then
        r.header_only = true
    end
    r.buffering = r.version == 10 and not r.header_only
        and r.settings.lua_http10_buffering
        and not r.content_length
        and not (r.headers and r.headers:get("content-length"))
    if not r.buffering then
        write_head(r)
    end
end


-- Whether the header block is out, so that it cannot be changed any more.
function _M.is_sent(r)
    return r.headers_sent and not r.buffering
end


local function hand_down(r)
    local data = concat(r.out, "", 1, r.out_n)
    r.out = {}
    r.out_n = 0
    r.out_size = 0
    local ok, err = r.downstream:send(data)
    if ok then
        r.sent = r.sent + #data
    end
    return ok, err
end


-- How much of what was handed down the kernel has taken.
function _M.bytes_sent(r)
    return r.sent - r.downstream:unsent()
end


-- Puts out a piece of the body, which is not empty. Headers are sent.
-- Returns true | nil, err.
function _M.write(r, data)
    local size = #data
    r.body_sent = r.body_sent + size
    if r.chunked then
        local n = r.out_n
        local out = r.out
        out[n + 1] = chunk_heads[size]
        out[n + 2] = data
        out[n + 3] = CHUNK_END
        r.out_n = n + 3
        r.out_size = r.out_size + size + 8
    else
        put(r, data)
        r.out_size = r.out_size + size
    end
    if r.out_size >= r.settings.postpone_output and not r.buffering then
        return hand_down(r)
    end
    return true
end


-- Hands down all that has collected.
-- Returns true | nil, err.
function _M.flush(r)
    local failed = r.downstream.failed
    if failed then
        return nil, failed
    elseif r.out_n > 0 and not r.buffering then
        return hand_down(r)
    end
    return true
end


local function end_buffering(r)
    local body, n = r.out, r.out_n
    r.out = {}
    r.out_n = 0
    r.buffering = false
    r.content_length = r.body_sent
    write_head(r)
    for i = 1, n do
        put(r, body[i])
    end
end


-- Ends the body: the headers go out where they have not, then the rest.
-- Returns true | nil, err.
function _M.finish(r)
    if r.eof then
        return true
    end
    if not r.headers_sent then
        _M.send_headers(r)
    end
    r.eof = true
    if r.buffering then
        end_buffering(r)
    elseif r.chunked then
        put(r, LAST_CHUNK)
    end
    return _M.flush(r)
end


-- Codes after which nginx does not keep the connection.
local CLOSING = {[400] = true, [413] = true, [414] = true, [495] = true,
                 [496] = true, [497] = true, [500] = true, [501] = true}

local REPLACED = {"content-length", "accept-ranges", "last-modified", "etag"}


-- Forgets the body that was kept to be counted.
local function drop_buffered(r)
    r.out, r.out_n, r.out_size = {}, 0, 0
    r.body_sent = 0
    r.buffering = false
    r.headers_sent = false
end


-- Answers with nginx's own page for `code` in place of a body of the
-- handler's. Headers are not sent yet.
function _M.send_special(r, code)
    if r.buffering then
        drop_buffered(r)
    end
    if CLOSING[code] then
        r.keepalive = false
    end
    if r.headers then
        for i = 1, #REPLACED do
            r.headers:clear(REPLACED[i])
        end
    end
    local page = status.page(code, r.settings.product)
    r.status = status.shown(code)
    r.content_type = page and "text/html" or r.content_type or ""
    r.content_length = page and #page or 0
    _M.send_headers(r)
    if page and not r.header_only then
        _M.write(r, page)
    end
    return _M.finish(r)
end


return _M
