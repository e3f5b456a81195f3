-- The access phase: allow and deny, and `satisfy`.
--
--   compile(rules)   rules that check() can read, nil where there are none
--   check(r)         OK, 403, or nil where no rule fits
--   settle(r, rc)    whether the next handler of the phase may follow: rc is
--                    what one has said, nil where it has no opinion
--
-- Follows ngx_http_access_module.c and ngx_http_core_access_phase.

local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local variables = require "resty_py.request.variables"

local byte = string.byte
local floor = math.floor
local ipairs = ipairs
local sub = string.sub

local OK = 0
local UNAUTHORIZED, FORBIDDEN = 401, 403

local _M = {}


-- Rules ---------------------------------------------------------------------


-- Whether the first `bits` bits of two addresses are the same.
local function shares(address, network, bits)
    local whole = floor(bits / 8)
    if sub(address, 1, whole) ~= sub(network, 1, whole) then
        return false
    end
    local rest = bits % 8
    if rest == 0 then
        return true
    end
    local unit = 2 ^ (8 - rest)
    return floor(byte(address, whole + 1) / unit)
        == floor(byte(network, whole + 1) / unit)
end


local function compile_network(rule)
    local network, bits = rule.network, rule.bits
    return function(address)
        return #address == #network and shares(address, network, bits)
    end
end


local function is_anyone()
    return true
end


local function is_unix(address)
    return #address ~= 4 and #address ~= 16
end


local FIXED = {all = is_anyone, ["unix:"] = is_unix}


function _M.compile(rules)
    local compiled = {}
    for i, rule in ipairs(rules) do
        compiled[i] = {
            fits = FIXED[rule.source] or compile_network(rule),
            code = rule.allow and OK or FORBIDDEN,
        }
        if rule.source == "all" or rule.network and #rule.network == 4 then
            compiled.has_ipv4 = true
        end
    end
    return #compiled > 0 and compiled or nil
end


-- IPv4 addresses come in IPv6 clothes on sockets that speak both.
local MAPPED = "\0\0\0\0\0\0\0\0\0\0\255\255"


-- Only rules for IPv4 take the clothes off.
local function address_of(r, rules)
    local address = variables.get(r, "binary_remote_addr") or ""
    if #address == 16 and rules.has_ipv4 and sub(address, 1, 12) == MAPPED then
        return sub(address, 13)
    end
    return address
end


function _M.check(r)
    local rules = r.settings.access_rules
    local address = address_of(r, rules)
    for i = 1, #rules do
        if rules[i].fits(address) then
            if rules[i].code == FORBIDDEN and r.settings.satisfy == "all" then
                log.request(r, log.ERR, "access forbidden by rule")
            end
            return rules[i].code
        end
    end
end


-- satisfy -------------------------------------------------------------------


local function settle_any(r, rc)
    if rc == OK then
        r.access_code = nil
        r.access_granted = true
        if r.headers then
            r.headers:clear("www-authenticate")
        end
        return true
    elseif rc == FORBIDDEN or rc == UNAUTHORIZED then
        if r.access_code ~= UNAUTHORIZED then
            r.access_code = rc
        end
        return true
    end
    return engine.finalize(r, rc)
end


function _M.settle(r, rc)
    if not rc then
        return true
    elseif r.settings.satisfy == "any" then
        return settle_any(r, rc)
    elseif rc == OK then
        return true
    end
    return engine.finalize(r, rc)
end


return _M
