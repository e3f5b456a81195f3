-- proxy_bind: the address of our end of connections with upstreams.
--
--   compile(settings)     f(r) -> our end, or nil where there is none
--   mismatch(from, to)    what the kernel would say of our end where the
--                         peer's address is of another kind: err, code | nil
--
-- Our end: {name, family, address, port}; port is nil where the kernel chooses
--
-- Follows ngx_http_upstream_set_local and ngx_parse_addr_port.

local log = require "resty_py.log"
local target = require "resty_py.net.target"
local template = require "resty_py.program.template"

local format = string.format
local gsub = string.gsub
local match = string.match
local tonumber = tonumber

local MAX_PORT = 65535

local _M = {}


local function without_zeros(digits)
    return format("%d", tonumber(digits))
end


-- Returns address and family | nil.
local function literal(text)
    if target.is_ipv4(text) then
        return (gsub(text, "%d+", without_zeros)), 4
    elseif target.is_ipv6(text) then
        return text, 6
    end
end


-- Returns our end | nil.
local function parse(text)
    local address, family = literal(text)
    if address then
        return {name = text, address = address, family = family, port = nil}
    end
    local host, digits = match(text, "^%[([^%]]+)%]:(%d+)$")
    if not host then
        host, digits = match(text, "^([^:[]*):(%d+)$")
    end
    local port = tonumber(digits)
    address, family = literal(host or "")
    if address and port > 0 and port <= MAX_PORT then
        return {name = text, address = address, family = family, port = port}
    end
end


function _M.compile(settings)
    local given = settings.proxy_bind
    if not given or template.constant(given) == "" then
        return nil
    end
    local value = template.compile(given)
    return function(r)
        local text = value(r)
        local from = text ~= "" and parse(text)
        if not from and text ~= "" then
            log.request(r, log.ERR, format('invalid local address "%s"',
                                           log.escape(text)))
        end
        return from or nil
    end
end


function _M.mismatch(from, to)
    if to.kind == "unix" or from.family < to.family then
        return "invalid argument", 22
    elseif from.family > to.family then
        return "address family not supported by protocol", 97
    end
end


return _M
