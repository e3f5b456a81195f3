-- The gunzip module: responses that are compressed, for clients that do not
-- take them so.
--
--   header_filter(settings)       f(r), nil where gunzip is off
--   body_filter(settings, next)   f(r, data, last), nil where gunzip is off
--
-- Rules:
--
-- 1. A response that is compressed varies by Accept-Encoding, whether this
--    client takes gzip or not. A subrequest never takes it.
-- 2. It goes on in pieces of gunzip_buffers at most.
-- 3. What is broken, or not complete, ends the response and the connection.
--
-- Follows ngx_http_gunzip_filter_module.c.

local alteration = require "resty_py.http.alteration"
local gzip = require "resty_py.modules.gzip"
local inflater = require "resty_py.http.inflater"
local log = require "resty_py.log"
local response = require "resty_py.http.response"

local fail = response.fail
local format = string.format
local lower = string.lower

-- What zlib is asked for: Z_NO_FLUSH, and Z_FINISH for the last piece; what it
-- says of a body that is not complete: Z_BUF_ERROR.
local GO_ON, FINISH = 0, 4
local INCOMPLETE = -5

-- What nginx is doing, as the log has it, with a response of an upstream and
-- with a file.
local TO_CLIENT, SENDING = "sending to client",
    " while sending response to client"

local _M = {}


local function filter_header(r)
    local coding = gzip.coding(r)
    if not coding or lower(coding) ~= "gzip" then
        return
    end
    r.varies = r.settings.gzip_vary
    if gzip.is_ok(r) then
        return
    end
    r.headers:clear("content-encoding")
    alteration.forget_ranges(r)
    alteration.weaken_etag(r)
    local buffers = r.settings.gunzip_buffers
    r.inflater = inflater.new(r, buffers.count * buffers.size)
end


local function refuse(r, text)
    local u = r.upstream
    r.inflater = false
    if u then
        u.action = TO_CLIENT
        u:log(log.ERR, text)
    else
        log.request(r, log.ERR, r.content and text or text .. SENDING)
    end
    return fail(r)
end


-- What was unpacked does not wait for more.
local function pass(r, piece, last, next)
    local ok, err = next(r, piece, last)
    if ok and not last and piece ~= "" then
        return response.flush(r)
    end
    return ok, err
end


local function write(r, data, last, next)
    local stream = r.inflater
    local piece, has_more, code = stream:write(data)
    while has_more do
        local ok, err = pass(r, piece, false, next)
        if not ok then
            return ok, err
        end
        piece, has_more, code = stream:write("")
    end
    if code then
        return refuse(r, format("inflate() failed: %d, %d",
                                last and FINISH or GO_ON, code))
    elseif last and not stream:is_complete() then
        return refuse(r, format("inflate() returned %d on response end",
                                INCOMPLETE))
    end
    return pass(r, piece, last, next)
end


function _M.header_filter(settings)
    return settings.gunzip and filter_header
end


function _M.body_filter(settings, next)
    return settings.gunzip and function(r, data, last)
        if not r.inflater then
            return next(r, data, last)
        end
        return write(r, data, last, next)
    end
end


return _M
