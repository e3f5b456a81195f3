-- What tells one version of a response from another, and the request headers
-- that ask for it.
--
--   last_modified(r)   seconds since the epoch, nil where it has none
--   etag(r)            the value of ETag, nil where it has none
--   asked(r, key)      the value of the request header `key` (lower case)
--
-- A file's time is r.last_modified, which goes out as Last-Modified; a
-- Last-Modified that was set stands in r.headers and takes its place.
--
-- Follows ngx_http_request.h (headers_out) and ngx_http_request.c.

local parse_http_time = require "resty_py.codec.httptime".parse_http_time

local _M = {}


function _M.last_modified(r)
    local headers = r.headers
    local text = headers and headers:get("last-modified")
    if text then
        return parse_http_time(text)
    end
    return r.last_modified
end


-- Of several the last one counts: that of the file an error page shows.
function _M.etag(r)
    local headers = r.headers
    for i = headers and headers.n or 0, 1, -1 do
        if headers.key[i] == "etag" then
            return headers.value[i]
        end
    end
end


-- Where a header comes again the first one counts.
function _M.asked(r, key)
    local fields = r.head.fields
    for i = 1, fields.n do
        if fields[i].lower == key then
            return fields[i].value
        end
    end
end


return _M
