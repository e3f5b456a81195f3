-- The address that proxy_pass names.
--
--   parse(url)   {scheme, host, port, has_port, authority, uri}
--                | nil, what nginx says of it
--     host       what is connected to, or the name of an upstream block:
--                "example.com", "10.0.0.1", "[::1]", "unix:/path"
--     authority  $proxy_host: what a Host header would have
--     uri        what of the URI it gives, "" for nothing
--
-- Follows ngx_http_proxy_eval, ngx_http_proxy_set_vars and ngx_parse_url.

local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local PORTS = {http = 80, https = 443}

local _M = {}


-- unix:/path:uri
local function parse_unix(rest)
    local path, uri = match(rest, "^([^:]*):?(.*)$", 6)
    if path == "" then
        return nil, "no path in the unix domain socket"
    end
    return {host = "unix:" .. path, authority = "localhost", uri = uri,
            has_port = true}
end


local function split(rest)
    local cut = find(rest, "[/?]")
    if cut then
        return sub(rest, 1, cut - 1), sub(rest, cut)
    end
    return rest, ""
end


local function parse_inet(rest, default)
    local authority, uri = split(rest)
    local host, digits = match(authority, "^(%[[^%]]*%]):?(%d*)$")
    if not host then
        host, digits = match(authority, "^([^:]*):?(.*)$")
    end
    if host == "" then
        return nil, "no host"
    end
    local port = digits ~= "" and tonumber(digits)
    if digits ~= "" and not (port and port > 0 and port < 65536) then
        return nil, "invalid port"
    end
    return {host = host, port = port or default, uri = uri,
            has_port = port ~= false,
            authority = port == default and host or authority}
end


function _M.parse(url)
    local scheme, rest = match(url, "^(%a+)://(.*)$")
    scheme = scheme and lower(scheme)
    if not (scheme and PORTS[scheme]) then
        return nil, 'invalid URL prefix in "' .. url .. '"'
    end
    local parse = lower(sub(rest, 1, 5)) == "unix:" and parse_unix or parse_inet
    local found, err = parse(rest, PORTS[scheme])
    if not found then
        return nil, err .. ' in upstream "' .. rest .. '"'
    end
    if sub(found.uri, 1, 1) == "?" then
        found.uri = "/" .. found.uri
    end
    found.scheme = scheme
    return found
end


return _M
