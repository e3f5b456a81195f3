-- A file as a response: what is at the path of r.uri.
--
--   serve(r)   a content handler
--
-- Rules:
--
-- 1. A file that fits in one of output_buffers is opened, read and closed by
--    one call.
-- 2. A directory is redirected to the URI with a slash. What is neither file
--    nor directory is not found.
-- 3. ETag is of the time and the size in hexadecimal digits. Any part of the
--    file can be asked for.
--
-- 4. With gzip_static a file of that name and ".gz" goes out in its place, to
--    clients that take it, or to all. It has no parts.
--
-- Follows ngx_http_static_module.c, ngx_http_gzip_static_module.c and
-- ngx_http_set_etag.

local body = require "resty_py.static.body"
local files = require "resty_py.static.files"
local gzip = require "resty_py.modules.gzip"
local log = require "resty_py.log"
local mime = require "resty_py.static.mime"
local path = require "resty_py.static.path"
local redirection = require "resty_py.http.redirection"
local response = require "resty_py.http.response"

local byte = string.byte
local failed = files.failed
local format = string.format
local gsub = string.gsub
local headers_of = require "resty_py.http.header_list".of
local invite = require "resty_py.request.body".invite
local map = path.map
local new_body = body.new
local open = files.open
local send_headers = response.send_headers
local type = type
local type_of = mime.type_of

local MISSING = files.MISSING

local DENIED = {[files.EACCES] = true, [files.EMLINK] = true,
                [files.ELOOP] = true}
local PACKED = ".gz"
-- A time that nginx takes for none.
local NO_TIME = -1
-- What ngx_escape_uri escapes in a path: NGX_ESCAPE_URI.
local UNSAFE = "[^!$&-;=@-Z%[%]_a-z~]"

local _M = {}


local function refuse(r, file, err, code, call)
    local level, status = log.CRIT, 500
    if MISSING[code] then
        level, status = log.ERR, 404
    elseif DENIED[code] then
        level, status = log.ERR, 403
    end
    if status ~= 404 or r.settings.log_not_found then
        log.request(r, level, failed(file, err, code, call))
    end
    return status
end


local function escape_byte(char)
    return format("%%%02X", byte(char))
end


-- The request's own path and arguments, with a slash behind the path.
local function directory_target(r)
    local target = gsub(r.uri, UNSAFE, escape_byte) .. "/"
    local args = r.args
    return args and args ~= "" and target .. "?" .. args or target
end


-- What is at the path but no file that can be sent.
local function answer_other(r, file, kind)
    if kind == "directory" then
        redirection.set(r, directory_target(r))
        return 301
    elseif kind == "other" then
        log.request(r, log.CRIT, '"' .. log.path(file)
                    .. '" is not a regular file')
        return 404
    end
    return 405
end


local function set_etag(r, size, mtime)
    headers_of(r):add("ETag", format('"%x-%x"', mtime, size), "etag")
end


local function describe(r, size, mtime)
    r.status = 200
    r.content_length = size
    r.last_modified = mtime ~= NO_TIME and mtime or nil
    if r.settings.etag then
        set_etag(r, size, mtime)
    end
    r.content_type = type_of(r)
end


-- Sends an opened file: the headers, and the body where there is a source.
local function send(r, file, size, source)
    local content = new_body(r, file, size, source)
    local code = send_headers(r)
    if code then
        r.allow_ranges = false
    elseif source and not r.header_only and not content:send() then
        code = -1
    end
    content:release()
    return code
end


local function serve_plain(r)
    local file = map(r)
    if not file then
        return 500
    end
    local method = r.method
    local most = method == "GET" and r.settings.output_buffers.size or nil
    local kind, size, mtime, source = open(r, file, most)
    if not kind then
        return refuse(r, file, size, mtime, source)
    elseif kind ~= "file" or method == "POST" then
        return answer_other(r, file, kind)
    elseif type(source) == "string" then
        size = #source
    end
    if r.expecting then
        invite(r)
    end
    describe(r, size, mtime)
    r.allow_ranges = true
    return send(r, file, size, source)
end


-- A file that cannot be opened is none.
local function log_packed(r, file, err, code, call)
    if not MISSING[code] then
        log.request(r, DENIED[code] and log.ERR or log.CRIT,
                    failed(file, err, code, call))
    end
end


-- Returns file, kind, size, mtime, source of the compressed file | nil where
-- there is none for this client.
local function open_packed(r)
    local settings = r.settings
    local is_taken = settings.gzip_static == "always" or gzip.is_ok(r)
    if not is_taken and not settings.gzip_vary then
        return nil
    end
    local file = map(r)
    file = file and file .. PACKED
    local most = r.method == "GET" and is_taken
        and settings.output_buffers.size or nil
    local kind, size, mtime, source = "directory", nil, nil, nil
    if file then
        kind, size, mtime, source = open(r, file, most)
    end
    if not kind then
        return log_packed(r, file, size, mtime, source)
    elseif settings.gzip_static == "on" then
        r.varies = settings.gzip_vary
    end
    if is_taken and kind ~= "directory" then
        return file, kind, size, mtime, source
    end
end


local function serve_packed(r, file, kind, size, mtime, source)
    if kind ~= "file" then
        return answer_other(r, file, kind)
    elseif r.expecting then
        invite(r)
    end
    describe(r, type(source) == "string" and #source or size, mtime)
    headers_of(r):add("Content-Encoding", "gzip", "content-encoding")
    return send(r, file, r.content_length, source)
end


function _M.serve(r)
    if r.settings.gzip_static ~= "off" and r.method ~= "POST" then
        local file, kind, size, mtime, source = open_packed(r)
        if file then
            return serve_packed(r, file, kind, size, mtime, source)
        end
    end
    return serve_plain(r)
end


return _M
