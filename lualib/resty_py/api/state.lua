-- ngx.status, ngx.headers_sent, ngx.is_subrequest.
--
-- Follows resty.core.misc and ngx_http_lua_misc.c.

local log = require "resty_py.log"
local magic = require "resty_py.api.magic"
local phases = require "resty_py.request.phases"
local response = require "resty_py.http.response"

local client = phases.client
local error = error
local floor = math.floor
local format = string.format
local is_sent = response.is_sent
local tonumber = tonumber
local type = type

-- Codes that fit in a status line.
local FIRST, LAST = 100, 999
-- What ngx.status is while a request of HTTP/0.9 has none: it never will.
local HTTP_09 = 9

local _M = {}


local function get_status()
    local r = client()
    local status = r.err_status or r.status
    if status == 0 and r.version == 9 then
        return HTTP_09
    end
    return status
end


local function set_status(value)
    local r = client()
    local status = tonumber(value)
    if not status then
        error(format("bad ngx.status: number expected, got %s", type(value)),
              2)
    elseif is_sent(r) then
        log.request(r, log.ERR, "attempt to set ngx.status after sending out "
                    .. "response headers")
    elseif not (status >= FIRST and status < LAST + 1) then
        log.request(r, log.ERR, format("invalid HTTP status code %.0f",
                                       status))
    else
        r.status = floor(status)
        r.err_status = nil
        r.reason = nil
    end
end


local function get_headers_sent()
    return is_sent(client())
end


local function get_is_subrequest()
    return client().parent ~= nil
end


function _M.install()
    magic.getter("status", get_status)
    magic.setter("status", set_status)
    magic.getter("headers_sent", get_headers_sent)
    magic.getter("is_subrequest", get_is_subrequest)
end


return _M
