-- The realip module: the address of a client whose proxy tells it.
--
--   prepare(settings)  readies a location's settings: realip, nil where nobody
--                      is believed
--   step(r)            puts the address in force that the request tells
--
-- Rules:
--
-- 1. The step is taken before the server's rewrites, by what the server says,
--    and before access, by what the location says. The first that finds an
--    address ends it for the request and all that comes of it.
-- 2. $remote_addr and its kin keep a value that the configuration has asked
--    for, as variables do that it names.
--
-- Follows ngx_http_realip_module.c.

local forwarded = require "resty_py.request.forwarded"
local remote = require "resty_py.request.remote"
local variables = require "resty_py.request.variables"
local with_port = require "resty_py.net.address".with_port

local find = forwarded.find
local lower = string.lower
local values = forwarded.values

-- All of its headers count; in other letters it is a header like any other.
local FORWARDED_FOR = "X-Forwarded-For"

-- What is not as it was found first.
local CHANGED = {"remote_addr", "remote_port", "binary_remote_addr"}

-- What is no header: http/proxy_protocol.lua.
local PROXY_PROTOCOL = "proxy_protocol"

local _M = {}


-- Who tells an address: f(r, header), an array of texts. ---------------------


local function all_values(r, header)
    return values(r.head, header)
end


local function first_value(r, header)
    return {values(r.head, header)[1]}
end


local function of_proxy(r)
    local proxied = r.downstream.proxied
    return {proxied and proxied.addr}
end


local TOLD = {[FORWARDED_FOR] = all_values, [PROXY_PROTOCOL] = of_proxy}


-- The step -------------------------------------------------------------------


function _M.prepare(settings)
    local given = settings.set_real_ip_from or {}
    if #given > 0 then
        local header = settings.real_ip_header
        settings.realip = {
            trusted = forwarded.trust(given),
            header = lower(header),
            told = TOLD[header] or first_value,
            recursive = settings.real_ip_recursive,
        }
        variables.keep(CHANGED)
    end
end


function _M.step(r)
    local realip = r.settings.realip
    if remote.is_changed(r) then
        return true
    end
    local found = find(r.downstream.address, realip.told(r, realip.header),
                       realip.trusted, realip.recursive)
    if found and realip.told == of_proxy then
        found = with_port(found, r.downstream.proxied.port)
    end
    if found then
        remote.change(r, found)
    end
    return true
end


return _M
