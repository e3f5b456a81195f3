-- The secure_link module: links that only who knows a secret can make.
--
--   prepare(settings)   readies a location's settings
--   variables           $secure_link and $secure_link_expires
--
-- Rules:
--
-- 1. secure_link says what the request tells, "hash" or "hash,time", and
--    secure_link_md5 what the hash has to be of. $secure_link is "1", "0" where
--    the time is over, and has no value where the hash is another's.
-- 2. With secure_link_secret the URI is "/prefix/hash/link"; $secure_link is
--    the link.
-- 3. $secure_link_expires has its value from the last look at $secure_link
--    since the request came to its location.
--
-- Follows ngx_http_secure_link_module.c.

local clock = require "resty_py.clock"
local decode_url = require "resty_py.codec.base64".decode_url
local hash = require "resty_py.codec.hash"
local template = require "resty_py.program.template"

local find = string.find
local floor = math.floor
local lower = string.lower
local match = string.match
local md5 = hash.md5
local md5_bin = hash.md5_bin
local sub = string.sub
local tonumber = tonumber

-- Letters that tell a hash at most, and those of one in hexadecimal digits.
local MAX_LETTERS, DIGITS = 24, 32
-- NGX_MAX_TIME_T_VALUE, as a double has it.
local LATEST = 2 ^ 63

local _M = {}


function _M.prepare(settings)
    local link, secret = settings.secure_link, settings.secure_link_md5
    settings.secure_link = link and template.compile(link)
    settings.secure_link_md5 = secret and template.compile(secret)
end


-- Returns "1", "0" or nil, and what is told of when it is over.
local function check(told, wanted)
    local comma = find(told, ",", 1, true)
    local letters = comma and sub(told, 1, comma - 1) or told
    local over = comma and sub(told, comma + 1)
    local time = over and tonumber(match(over, "^%d+$"))
    if over and not (time and time > 0 and time <= LATEST) then
        return nil
    end
    local bytes = #letters <= MAX_LETTERS and decode_url(letters)
    if bytes ~= md5_bin(wanted) then
        return nil, over
    end
    return time and time < floor(clock.wall) and "0" or "1", over
end


-- Follows ngx_http_secure_link_old_variable.
local function check_uri(uri, secret)
    local told, link = match(uri, "^.[^/]*/([^/]*)/(.+)$")
    if told and #told == DIGITS and lower(told) == md5(link .. secret) then
        return link
    end
end


local function secure_link(r)
    local settings = r.settings
    local secret = settings.secure_link_secret
    if secret then
        return check_uri(r.head.line.request_uri, secret)
    end
    local link, wanted = settings.secure_link, settings.secure_link_md5
    if not link or not wanted then
        return nil
    end
    local value
    value, r.link_expires = check(link(r), wanted(r))
    return value
end


_M.variables = {
    secure_link = secure_link,
    secure_link_expires = function(r) return r.link_expires end,
}

return _M
