-- The referer module: $invalid_referer, by the Referer of a request.
--
--   invalid(r)   "1", or "" where the referer is valid or none has to be
--
-- Rules:
--
-- 1. A name fits as that of a server does, and then its path has to be that of
--    the referer too, or its beginning. Where no name fits, regular
--    expressions of the server's names see the host, others the host and all
--    behind it.
-- 2. "none" is valid without the header, "blocked" with one that is no http or
--    https URL.
--
-- What is valid is made ready by the first request that asks: it may be the
-- names of the server, which the location does not know before.
--
-- Follows ngx_http_referer_module.c.

local forwarded = require "resty_py.request.forwarded"
local hostnames = require "resty_py.program.hostnames"
local pattern = require "resty_py.program.pattern"

local find = string.find
local ipairs = ipairs
local lower = string.lower
local sub = string.sub
local test = pattern.test
local values = forwarded.values

-- Bytes of a URL at least, and of its host at most.
local SHORTEST, LONGEST_HOST = 11, 256

local _M = {}


-- What is valid --------------------------------------------------------------


local function add_regex(regexes, given)
    regexes[#regexes + 1] = pattern.compile(given)
end


local ADD = {
    none = function(valid) valid.none = true end,
    blocked = function(valid) valid.blocked = true end,
    name = function(valid, given)
        hostnames.add(valid.names, given.name, given.path)
        valid.is_given = true
    end,
    regex = function(valid, given)
        add_regex(valid.regexes, given.regex)
        valid.is_given = true
    end,
    server_names = function(valid, _, server)
        for _, name in ipairs(server.names) do
            if name.regex then
                add_regex(valid.host_regexes, name.regex)
            else
                hostnames.add(valid.names, name.name, "")
            end
            valid.is_given = true
        end
    end,
}


local function compile(given, server)
    local valid = {names = hostnames.new(), regexes = {}, host_regexes = {},
                   none = false, blocked = false, is_given = false}
    for _, each in ipairs(given or {}) do
        ADD[each.kind](valid, each, server)
    end
    return valid
end


-- Whether one is --------------------------------------------------------------


local function any(regexes, text)
    for i = 1, #regexes do
        if test(regexes[i], text) then
            return true
        end
    end
    return false
end


-- Returns a URL without its scheme, or nil.
local function without_scheme(url)
    if #url < SHORTEST then
        return nil
    elseif lower(sub(url, 1, 7)) == "http://" then
        return sub(url, 8)
    elseif lower(sub(url, 1, 8)) == "https://" then
        return sub(url, 9)
    end
end


local function begins_with(text, path, from)
    return sub(text, from, from + #path - 1) == path
end


local function is_valid_url(valid, url)
    local ends = find(url, "[/:]") or #url + 1
    if ends > LONGEST_HOST + 1 then
        return false
    end
    local host = lower(sub(url, 1, ends - 1))
    local path = hostnames.find(valid.names, host)
    if path then
        return begins_with(url, path, find(url, "/", ends, true) or #url + 1)
    end
    return any(valid.host_regexes, host) or any(valid.regexes, url)
end


local function is_valid(valid, referer)
    if not valid.is_given then
        return true
    elseif not referer then
        return valid.none
    end
    local url = without_scheme(referer)
    if not url then
        return valid.blocked
    end
    return is_valid_url(valid, url)
end


function _M.invalid(r)
    local settings = r.settings
    local valid = settings.referers
    if not valid then
        valid = compile(settings.valid_referers, r.server)
        settings.referers = valid
    end
    return is_valid(valid, values(r.head, "referer")[1]) and "" or "1"
end


return _M
