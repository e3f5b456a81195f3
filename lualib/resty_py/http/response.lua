-- Sending a response: header and body filters of nginx in one place.
--
-- Output collects as pieces in r.out and leaves in one send where it can:
-- when postpone_output bytes are there, on a flush, when the response ends.
-- What the socket does not take waits in the downstream (downstream.lua).
--
-- Fields of a request that belong to the response:
--
--   status          0 until set or sent
--   reason          what follows reason_status in the status line, its space
--                   too, or nil for nginx's own
--   headers         header_list of what was set, nil until the first
--   content_type    the one slot that nginx keeps apart, nil: default
--   headers_sent, eof      header block sent; last byte given, or POSTPONED: it
--                   comes when subrequests are done
--   is_truncated    a filter has taken the end away
--   filtered        a header filter has put another in its place
--   refused_range   what a filter that asked for ranges is to be answered with
--   header_only     no body goes out: HEAD, 204, 304
--   chunked         the body is framed: what it ends with
--   buffering       HTTP/1.0: all is kept to count it (lua_http10_buffering)
--   is_streamed     nothing is kept to be counted, whatever the version
--   varies          whether it depends on Accept-Encoding
--   deflater        what compresses the body (deflater.lua), or false
--   out, out_n, out_size   pieces not yet handed down, and their bytes
--   body_sent       body bytes given out
--   head_size       bytes of the header block
--   sent            bytes handed down, header block and framing included, but
--                   for those that were lost; bytes_sent() tells how many of
--                   them have left
--
-- Follows ngx_http_header_filter_module.c, ngx_http_write_filter_module.c
-- and ngx_http_lua_output.c.

local log = require "resty_py.log"
local not_modified = require "resty_py.http.not_modified"
local ranges = require "resty_py.http.ranges"
local status = require "resty_py.http.status"
local write_head = require "resty_py.http.header_block".write
local type_of = require "resty_py.static.mime".type_of

local concat = table.concat
local format = string.format
local setmetatable = setmetatable

local OK, SPECIAL = 0, 300
-- What ends a response that a filter cannot make.
local FAILED = -1
local FILTER_ERROR = "nginx output filter error"
-- What finish() says of a body that is not complete yet.
local POSTPONED = "postponed"

local CHUNK_END = "\r\n"

-- Bytes that cost more to be joined with others than to be sent alone.
local LARGE = 32768

-- Chunk-size lines up to this size are kept ready.
local READY_SIZES = 4096

local _M = {POSTPONED = POSTPONED}

local chunk_heads = setmetatable({}, {__index = function(self, size)
    local head = format("%x\r\n", size)
    if size <= READY_SIZES then
        self[size] = head
    end
    return head
end})

local function put(r, piece)
    local n = r.out_n + 1
    r.out_n = n
    r.out[n] = piece
end


-- The header filters --------------------------------------------------------


-- Forgets the response that another takes the place of: ngx_http_clean_header.
local function forget(r)
    r.filtered = true
    r.status = 0
    r.content_type = nil
    r.content_length = nil
    r.last_modified = nil
    r.headers = nil
end


-- ngx.exit in a header filter: ngx_http_filter_finalize_request. What it says
-- of its own answer's headers does not count.
local function take_exit(r)
    local code = r.filter_exit
    r.filter_exit = nil
    if code == OK or r.filtered then
        return nil
    end
    -- What is no special response is made of it in replace().
    if code >= SPECIAL then
        forget(r)
    end
    return code
end


-- What is captured for a parent passes the filters of Lua alone.
local function header_filters(r)
    local settings = r.settings
    return r.captured and settings.captured_header_filters
        or not r.captured and settings.header_filters
end


-- Returns nil | a code that is to be answered instead.
local function run_header_filters(r)
    local code = not_modified.filter(r)
    if code then
        return code
    end
    local filters = header_filters(r)
    for i = 1, filters and #filters or 0 do
        filters[i](r)
        if r.filter_failed then
            return FAILED
        end
        code = r.filter_exit and take_exit(r)
        if code then
            return code
        end
    end
    if r.allow_ranges then
        return ranges.filter(r)
    end
    code = r.refused_range
    if code then
        r.refused_range = nil
    end
    return code
end


-- What a status says of the body. A parent may have it all the same.
local function strip_main(r, code)
    if code ~= 200 and code ~= 206 and code ~= 304 then
        r.last_modified = nil
    end
    if code == 204 then
        r.header_only = true
        r.content_type = nil
        r.content_length = nil
    elseif code == 304 then
        r.header_only = true
    end
end


local function strip(r)
    if not r.parent then
        strip_main(r, r.status)
    end
    if r.method == "HEAD" then
        r.header_only = true
    end
end


local hand_down


-- Makes the header block. Returns nil | a code to be answered instead.
local function make_head(r)
    r.status = r.err_status or r.status
    local code = run_header_filters(r)
    if code then
        return code
    end
    r.headers_sent = true
    strip(r)
    if not r.parent then
        write_head(r)
        if r.out_size >= r.settings.postpone_output then
            hand_down(r)
        end
    end
end


-- Whether the body is kept to be counted: HTTP/1.0, lua_http10_buffering.
local function is_counted(r)
    return r.version == 10 and r.settings.lua_http10_buffering
        and not r.is_streamed
        and r.phase ~= "log" and not r.parent and r.method ~= "HEAD"
        and r.status ~= 204 and r.status ~= 304
        and not r.content_length
        and not (r.headers and r.headers:get("content-length"))
end


-- Sends the header block, once.
-- Returns nil | a code that is to be answered instead.
function _M.send_headers(r)
    if r.headers_sent then
        return
    end
    if r.status == 0 then
        r.status = 200
    end
    if not r.content_type and r.status ~= 304
       and r.settings.lua_use_default_type
    then
        r.content_type = type_of(r)
    end
    if is_counted(r) then
        log.debug(r, "lua buffering output bufs for the HTTP 1.0 request")
        r.buffering = true
        r.headers_sent = true
        return
    end
    return make_head(r)
end


-- Whether the header block is out, so that it cannot be changed any more.
function _M.is_sent(r)
    return r.headers_sent and not r.buffering
end


-- Handing down --------------------------------------------------------------


local function send(r, data)
    local ok, err = r.downstream:send(data)
    if ok then
        r.sent = r.sent + #data
    end
    return ok, err
end


function hand_down(r)
    local data = concat(r.out, "", 1, r.out_n)
    r.out_n = 0
    r.out_size = 0
    return send(r, data)
end


-- Hands down a piece of the body that is too large to be copied.
local function hand_over(r, data)
    if r.chunked then
        put(r, chunk_heads[#data])
    end
    if r.out_n > 0 then
        hand_down(r)
    end
    local ok, err = send(r, data)
    if r.chunked then
        put(r, CHUNK_END)
    end
    return ok, err
end


-- How much of what was handed down the kernel has taken.
function _M.bytes_sent(r)
    return r.sent - r.downstream:unsent()
end


-- Puts out a piece of the body as it goes to the client.
-- Returns true | nil, err.
local function put_framed(r, data)
    local size = #data
    r.body_sent = r.body_sent + size
    if size >= LARGE and not r.buffering then
        return hand_over(r, data)
    elseif r.chunked then
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


-- The same for what a deflater has ready, which may be nothing.
local function put_packed(r, data)
    return data == "" or put_framed(r, data)
end


-- Puts out a piece of the body, which is not empty and has passed the filters.
-- Returns true | nil, err.
local function put_body(r, data)
    if r.postponed then
        r.body_sent = r.body_sent + #data
        return r.postponed:add(data)
    elseif r.parent then
        r.body_sent = r.body_sent + #data
        return r:collect(data)
    elseif r.deflater then
        return put_packed(r, r.deflater:write(data))
    end
    return put_framed(r, data)
end


_M.put_body = put_body


-- Whether the body goes to the client as it is made: no parent keeps it.
function _M.is_passed_on(r)
    while r.parent do
        if r.captured then
            return false
        end
        r = r.parent
    end
    return true
end


-- The body filters ----------------------------------------------------------


local function body_filter(r)
    local settings = r.settings
    return r.captured and settings.captured_body_filter
        or not r.captured and settings.body_filter
end


-- What comes behind the last of them. Where one has failed nothing goes on.
function _M.put_filtered(r, data, last)
    r.body_over = last
    if r.filter_failed then
        return nil, FILTER_ERROR
    elseif data == "" then
        return true
    end
    return put_body(r, data)
end


-- What one of them returns that cannot go on.
function _M.fail(r)
    r.filter_failed = true
    return nil, FILTER_ERROR
end


local function filter_body(r, data, last)
    local ok, err = body_filter(r)(r, data, last)
    r.is_truncated = last and not r.body_over or nil
    return ok, err
end


-- Puts out a piece of the body. Headers are sent.
--   last   nothing comes after it
-- Returns true | nil, err.
function _M.write(r, data, last)
    if r.body_over then
        return true
    elseif body_filter(r) and not r.buffering and not r.header_only then
        return filter_body(r, data, last or false)
    end
    return data == "" or put_body(r, data)
end


-- Hands down all that has collected.
-- Returns true | nil, err.
function _M.flush(r)
    local failed = r.downstream.failed
    if failed then
        return nil, failed
    end
    if r.deflater and not r.eof then
        put_packed(r, r.deflater:flush())
    end
    if r.out_n > 0 and not r.buffering and not r.parent then
        return hand_down(r)
    end
    return true
end


-- Hands down what is as it came from elsewhere: nginx does not keep back a
-- buffer that it is going to use again. What a filter has made of it may wait.
-- Returns true | nil, err.
function _M.hand_on(r)
    if r.captured or r.postponed or r.buffering or r.deflater
        or body_filter(r)
    then
        return true
    elseif r.parent then
        return _M.hand_on(r.parent)
    end
    return r.out_n == 0 or hand_down(r)
end


-- Ending --------------------------------------------------------------------


-- Answers with `code` where a filter wants it in place of the response.
local function replace(r, code)
    if code == FAILED then
        r.filter_failed = true
        return nil, FILTER_ERROR
    end
    forget(r)
    _M.send_special(r, code)
    return nil, FILTER_ERROR
end


-- Sends the header block, or what a filter puts in place of the response.
-- Returns true | nil, err.
function _M.open(r)
    if r.filter_failed then
        return nil, FILTER_ERROR
    end
    local code = _M.send_headers(r)
    if code then
        return replace(r, code)
    end
    return true
end


-- Where a filter has added subrequests the end has to wait for them.
local function end_filtered(r)
    local ok, err = true, nil
    if not r.body_over then
        ok, err = filter_body(r, "", true)
    end
    if ok and r.postponed then
        r.eof = POSTPONED
        return nil, POSTPONED
    end
    return ok, err
end


local function end_body(r)
    if body_filter(r) and not r.header_only then
        return end_filtered(r)
    end
    return true
end


-- Sends what was kept to be counted.
local function end_buffering(r)
    local data = concat(r.out, "", 1, r.out_n)
    r.out, r.out_n, r.out_size = {}, 0, 0
    r.body_sent = 0
    r.buffering = false
    r.headers_sent = false
    r.content_length = #data
    local code = make_head(r)
    if code then
        return replace(r, code)
    end
    if data ~= "" and not r.header_only then
        local ok, err = _M.write(r, data)
        if not ok then
            return ok, err
        end
    end
    return end_body(r)
end


-- Puts out what comes when the body is complete.
-- Returns true | nil, err.
function _M.conclude(r)
    r.eof = true
    if r.deflater then
        local ok, err = put_packed(r, r.deflater:finish())
        if not ok then
            return ok, err
        end
    end
    if r.chunked then
        put(r, r.chunked)
    end
    return _M.flush(r)
end


-- Ends the body: the headers go out where they have not, then the rest.
-- Returns true | nil, err; POSTPONED: subrequests come before the end, and
-- conclude() is for who has waited for them.
function _M.finish(r)
    if r.eof then
        return r.eof == true or nil, r.eof
    end
    local ok, err = true, nil
    if not r.headers_sent then
        ok, err = _M.open(r)
    end
    if not ok then
        return ok, err
    end
    r.eof = true
    if r.buffering then
        ok, err = end_buffering(r)
    else
        ok, err = end_body(r)
    end
    if not ok then
        return ok, err
    end
    return _M.conclude(r)
end


local REPLACED = {"content-length", "accept-ranges", "last-modified", "etag"}


-- Forgets the body that was kept to be counted.
function _M.drop_buffered(r)
    r.out, r.out_n, r.out_size = {}, 0, 0
    r.body_sent = 0
    r.buffering = false
    r.headers_sent = false
end


-- Answers with nginx's own page for `code` in place of a body of the
-- handler's. Headers are not sent yet.
function _M.send_special(r, code)
    if r.buffering then
        _M.drop_buffered(r)
    end
    if r.headers then
        for i = 1, #REPLACED do
            r.headers:clear(REPLACED[i])
        end
    end
    local page = status.page(code, r.settings.product)
    r.status = status.shown(code)
    r.last_modified = nil
    r.allow_ranges = false
    r.content_type = page and "text/html" or r.content_type or ""
    r.content_length = page and #page or 0
    local ok, err = _M.open(r)
    if ok and page and not r.header_only then
        _M.write(r, page, true)
    end
    if not ok then
        return ok, err
    end
    return _M.finish(r)
end


return _M
