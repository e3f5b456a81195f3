-- Redirects of nginx's own to a path: absolute_redirect.
--
--   set(r, target)      makes it the response's Location. A path leaves as a
--                       whole URL: header_block.lua
--   absolute(r, path)   that URL
--
-- Rules:
--
-- 1. The name is the server's own where server_name_in_redirect is on, else
--    that of Host, else the server's address. The port is the server's,
--    unless it is the scheme's or port_in_redirect is off.
-- 2. A Location that Lua sets is sent as it is; r.local_redirect is false then.
--
-- Follows ngx_http_header_filter.

local headers_of = require "resty_py.http.header_list".of
local variables = require "resty_py.request.variables"

local byte = string.byte
local get = variables.get

local SLASH = byte("/")

local SCHEME_PORT = {http = "80", https = "443"}

local _M = {}


local function own_name(r)
    if r.settings.server_name_in_redirect then
        return r.settings.server_name or ""
    end
    return r.head.host or get(r, "server_addr") or ""
end


local function port_suffix(r, scheme)
    if not r.settings.port_in_redirect then
        return ""
    end
    local port = get(r, "server_port")
    if not port or port == "" or port == SCHEME_PORT[scheme] then
        return ""
    end
    return ":" .. port
end


function _M.absolute(r, path)
    if byte(path) ~= SLASH or not r.settings.absolute_redirect then
        return path
    end
    local scheme = get(r, "scheme")
    return scheme .. "://" .. own_name(r) .. port_suffix(r, scheme) .. path
end


function _M.set(r, target)
    local headers = headers_of(r)
    headers:clear("location")
    headers:add("Location", target, "location")
    r.local_redirect = byte(target) == SLASH
end


return _M
