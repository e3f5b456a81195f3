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

local find = forwarded.find
local lower = string.lower
local values = forwarded.values

-- All of its headers count; in other letters it is a header like any other.
local FORWARDED_FOR = "X-Forwarded-For"

-- What is not as it was found first.
local CHANGED = {"remote_addr", "remote_port", "binary_remote_addr"}

-- No listener speaks the PROXY protocol: it never tells an address.
local PROXY_PROTOCOL = "proxy_protocol"

local _M = {}


function _M.prepare(settings)
    local given = settings.set_real_ip_from or {}
    if #given > 0 and settings.real_ip_header ~= PROXY_PROTOCOL then
        settings.realip = {
            trusted = forwarded.trust(given),
            header = lower(settings.real_ip_header),
            is_chain = settings.real_ip_header == FORWARDED_FOR,
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
    local told = values(r.head, realip.header)
    if not realip.is_chain then
        told = {told[1]}
    end
    local found = find(r.downstream.address, told, realip.trusted,
                       realip.recursive)
    if found then
        remote.change(r, found)
    end
    return true
end


return _M
