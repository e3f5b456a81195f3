-- add_trailer of the headers module: what is told of a response behind its
-- body.
--
--   prepare(settings)             compiles add_trailer
--   header_filter(settings)       f(r), nil where there is nothing to do
--   body_filter(settings, next)   f(r, data, last), nil where there is nothing
--                                 to do
--
-- r.trailers is the header_list of what was told, nil where nothing was.
--
-- Rules:
--
-- 1. Trailers are for main requests, and for the statuses of add_header.
-- 2. They are behind the last chunk. A response that may have some comes in
--    chunks, however long it is, where HTTP/1.1 lets it; so does a page that
--    takes its place.
-- 3. Their values are read when the body is complete, before what compresses
--    it has seen its end. No value adds nothing.
--
-- Follows ngx_http_trailers_filter and ngx_http_chunked_create_trailers.

local header_list = require "resty_py.http.header_list"
local headers = require "resty_py.modules.headers"
local ranges = require "resty_py.http.ranges"

local concat = table.concat
local forget_length = require "resty_py.http.alteration".forget_length
local ipairs = ipairs
local is_safe = headers.is_safe

local NO_CONTENT, NOT_MODIFIED = 204, 304

local _M = {}


local function is_expected(r)
    local trailers, safe = r.settings.add_trailer, is_safe(r.status)
    for i = 1, #trailers do
        if safe or trailers[i].always then
            return true
        end
    end
    return false
end


local function may_be_chunked(r)
    return r.version >= 11 and r.method ~= "HEAD" and r.status >= 200
        and r.status ~= NO_CONTENT and r.status ~= NOT_MODIFIED
        and r.settings.chunked_transfer_encoding
end


-- It is the last filter: ranges, which come behind all of them, have to know
-- the length that is forgotten here.
local function expect(r)
    if r.parent or not (r.expects_trailers or is_expected(r)) then
        return
    end
    r.expects_trailers = true
    if not may_be_chunked(r) then
        return
    end
    local code = ranges.filter(r)
    r.allow_ranges = false
    if code then
        r.refused_range = code
        return
    end
    forget_length(r)
end


-- The last chunk, with what comes behind it.
local function last_chunk(found)
    local lines = {"0\r\n"}
    for i = 1, found.n do
        lines[#lines + 1] = found.name[i] .. ": " .. found.value[i] .. "\r\n"
    end
    lines[#lines + 1] = "\r\n"
    return concat(lines)
end


local function collect(r)
    local found, safe = header_list.new(), is_safe(r.status)
    for _, trailer in ipairs(r.settings.add_trailer) do
        local value = (safe or trailer.always) and trailer.value(r) or ""
        if value ~= "" then
            found:add(trailer.name, value, trailer.key)
        end
    end
    r.trailers = found
    if r.chunked then
        r.chunked = last_chunk(found)
    end
end


function _M.header_filter(settings)
    return settings.add_trailer and expect
end


function _M.body_filter(settings, next)
    return settings.add_trailer and function(r, data, last)
        if last and r.expects_trailers then
            collect(r)
        end
        return next(r, data, last)
    end
end


function _M.prepare(settings)
    settings.add_trailer = settings.add_trailer
        and headers.compile(settings.add_trailer)
end


return _M
