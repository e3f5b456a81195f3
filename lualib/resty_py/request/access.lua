-- The access phase: allow and deny, and `satisfy`.
--
--   compile(rules)   rules that check() can read, nil where there are none
--   check(r)         OK, 403, or nil where no rule fits
--   settle(r, rc)    whether the next handler of the phase may follow: rc is
--                    what one has said, nil where it has no opinion
--   refuse(r, code)  ends the request, after auth_delay where that is 401
--
-- Follows ngx_http_access_module.c, ngx_http_core_access_phase and
-- ngx_http_core_auth_delay.

local delay = require "resty_py.request.delay"
local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local network = require "resty_py.net.network"

local compile_network = network.compile
local ipairs = ipairs
local remote_of = require "resty_py.request.remote".of
local unmapped = network.unmapped

local OK = 0
local UNAUTHORIZED, FORBIDDEN = 401, 403

local _M = {}


-- Rules ---------------------------------------------------------------------


function _M.compile(rules)
    local compiled = {}
    for i, rule in ipairs(rules) do
        compiled[i] = {
            fits = compile_network(rule),
            code = rule.allow and OK or FORBIDDEN,
        }
        if rule.source == "all" or rule.network and #rule.network == 4 then
            compiled.has_ipv4 = true
        end
    end
    return #compiled > 0 and compiled or nil
end


-- IPv4 addresses come in IPv6 clothes on sockets that speak both: only rules
-- for IPv4 take these off.
local function address_of(r, rules)
    local address = remote_of(r).binary
    return rules.has_ipv4 and unmapped(address) or address
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


local function refuse_now(r)
    return engine.finalize(r, UNAUTHORIZED)
end


function _M.refuse(r, code)
    local seconds = r.settings.auth_delay
    if code ~= UNAUTHORIZED or seconds == 0 then
        return engine.finalize(r, code)
    end
    log.request(r, log.INFO, "delaying unauthorized request")
    return delay.start(r, seconds, refuse_now)
end


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
    return _M.refuse(r, rc)
end


function _M.settle(r, rc)
    if not rc then
        return true
    elseif r.settings.satisfy == "any" then
        return settle_any(r, rc)
    elseif rc == OK then
        return true
    end
    return _M.refuse(r, rc)
end


return _M
