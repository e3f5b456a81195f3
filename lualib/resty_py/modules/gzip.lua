-- The gzip module: compressed responses for clients that take them.
--
--   prepare(settings)         compiles gzip_types, gzip_disable, gzip_proxied
--   header_filter(settings)   f(r), nil where gzip is off
--   is_ok(r)                  whether the client takes gzip
--   ratio(r)                  the value of $gzip_ratio
--   coding(r)                 the response's Content-Encoding, or nil
--
-- Rules:
--
-- 1. It is the last filter: what it compresses is the whole response, with the
--    output of subrequests that are no captures (http/response.lua).
-- 2. A response that could be compressed varies by Accept-Encoding, whether
--    this client takes gzip or not.
-- 3. ETag becomes a weak one, or goes where it is none.
--
-- Follows ngx_http_gzip_filter_module.c and ngx_http_gzip_ok.

local alteration = require "resty_py.http.alteration"
local clock = require "resty_py.clock"
local deflater = require "resty_py.http.deflater"
local parse_http_time = require "resty_py.codec.httptime".parse_http_time
local pattern = require "resty_py.program.pattern"
local set_of = require "resty_py.program.set"
local validators = require "resty_py.http.validators"

local asked = validators.asked
local byte = string.byte
local find = string.find
local floor = math.floor
local forget_ranges = alteration.forget_ranges
local format = string.format
local has_type = alteration.has_type
local headers_of = require "resty_py.http.header_list".of
local ipairs = ipairs
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber
local weaken_etag = alteration.weaken_etag

-- Statuses of responses that are compressed.
local STATUSES = {[200] = true, [403] = true, [404] = true}
local COMMA, SPACE = byte(", ", 1, 2)
-- Of a window, what zlib keeps for itself.
local LOOKAHEAD = 262
local OLD_MSIE = "msie6"

local _M = {}


-- Preparing ------------------------------------------------------------------


-- MSIE 4 to 6, but for that of Windows XP's second service pack.
local function is_old_msie(agent)
    local _, at = find(agent, "MSIE ", 1, true)
    if not at then
        return false
    end
    local version, rest = match(agent, "^([4-6])%.(.+)$", at + 1)
    return version ~= nil
        and not (version == "6" and find(rest, "SV1", 1, true))
end


local function compile_disabled(given)
    if given == OLD_MSIE then
        return is_old_msie
    end
    local compiled = pattern.compile(given)
    return function(agent) return pattern.test(compiled, agent) end
end


local function compile_all(given)
    local found = {}
    for i, each in ipairs(given or {}) do
        found[i] = compile_disabled(each)
    end
    return found
end


function _M.prepare(settings)
    if settings.gzip or settings.gzip_static ~= "off" or settings.gunzip then
        settings.gzip_types = set_of(settings.gzip_types)
        settings.gzip_proxied = set_of(settings.gzip_proxied)
        settings.gzip_disable = compile_all(settings.gzip_disable)
        settings.gzip_version = tonumber(settings.gzip_http_version) * 10
    end
end


-- Accept-Encoding ------------------------------------------------------------


-- Whether a quality, and what follows it, is more than none.
local function is_wanted(text)
    local whole, fraction, rest = match(text, "^([01])%.?(%d*)(.?)")
    if not whole or rest ~= "" and rest ~= "," and rest ~= " "
        or #fraction > 3
    then
        return false
    end
    local value = tonumber(whole .. "." .. fraction .. "0")
    return value > 0 and value <= 1
end


-- Whether what follows "gzip" lets it stand.
local function is_taken(text)
    local rest = match(text, "^ *(.*)$")
    local first = sub(rest, 1, 1)
    if first ~= ";" then
        return first == "" or first == ","
    end
    rest = match(rest, "^; *(.*)$")
    if rest == "" then
        return true
    end
    local quality = match(rest, "^[qQ]=(.+)$")
    return quality ~= nil and is_wanted(quality)
end


local function accepts(text)
    local small, from = lower(text), 1
    while true do
        local first, last = find(small, "gzip", from, true)
        if not first then
            return false
        end
        local before = first > 1 and byte(small, first - 1)
        if not before or before == COMMA or before == SPACE then
            return is_taken(sub(small, last + 1))
        end
        from = last + 1
    end
end


-- Responses to proxies -------------------------------------------------------


local function sent(r, key)
    return r.headers and r.headers:get(key)
end


local function has_expired(r, text)
    local expires = parse_http_time(text)
    local date = sent(r, "date")
    local now = date and parse_http_time(date) or not date and clock.wall
    return expires ~= nil and now ~= nil and expires < now
end


local function is_private(control, allowed)
    for _, word in ipairs {"no-cache", "no-store", "private"} do
        if allowed[word] and find(control, word, 1, true) then
            return true
        end
    end
    return false
end


-- Whether a response may go to the proxy that has asked for it.
local function is_for_proxies(r)
    local allowed = r.settings.gzip_proxied
    if allowed.off then
        return false
    elseif allowed.any or allowed.auth and asked(r, "authorization") then
        return true
    end
    local expires, control = sent(r, "expires"), sent(r, "cache-control")
    if expires then
        return allowed.expired and has_expired(r, expires)
    elseif control then
        return is_private(lower(control), allowed)
    end
    return not (allowed.no_last_modified and validators.last_modified(r))
        and not (allowed.no_etag and validators.etag(r))
end


local function is_disabled(r)
    local disabled = r.settings.gzip_disable
    local agent = disabled[1] and asked(r, "user-agent")
    for i = 1, agent and #disabled or 0 do
        if disabled[i](agent) then
            return true
        end
    end
    return false
end


-- Whether the client takes gzip: ngx_http_gzip_ok.
function _M.is_ok(r)
    local accepted = asked(r, "accept-encoding")
    return accepted and not r.parent and accepts(accepted)
        and r.version >= r.settings.gzip_version
        and (not asked(r, "via") or is_for_proxies(r))
        and not is_disabled(r)
end


-- The filter -----------------------------------------------------------------


-- One that add_header has added is none.
function _M.coding(r)
    local coding = r.coding or sent(r, "content-encoding")
    return coding ~= "" and coding or nil
end


local function length_of(r)
    return r.content_length or tonumber(sent(r, "content-length"))
end


local function is_compressible(r, length)
    return STATUSES[r.status] and not _M.coding(r)
        and (not length or length >= r.settings.gzip_min_length)
        and has_type(r, r.settings.gzip_types)
end


-- A small body needs no large window.
local function start(r, length)
    local settings = r.settings
    local window, memory = settings.gzip_window, settings.gzip_hash
    while length and length > 0 and length < 2 ^ (window - 1) - LOOKAHEAD do
        window, memory = window - 1, memory - 1
    end
    r.deflater = deflater.new(r, settings.gzip_comp_level, window,
                              memory > 1 and memory or 1)
end


local function filter(r)
    local length = length_of(r)
    if not is_compressible(r, length) then
        return
    end
    r.varies = r.settings.gzip_vary
    if not _M.is_ok(r) then
        return
    end
    forget_ranges(r)
    weaken_etag(r)
    headers_of(r):add("Content-Encoding", "gzip", "content-encoding")
    if r.method ~= "HEAD" then
        start(r, length)
    end
end


function _M.header_filter(settings)
    return settings.gzip and filter
end


-- $gzip_ratio ----------------------------------------------------------------


function _M.ratio(r)
    local used = r.deflater
    if not used or used.given == 0 then
        return nil
    end
    local hundredths = floor(used.taken * 100 / used.given)
    if floor(used.taken * 1000 / used.given) % 10 > 4 then
        hundredths = hundredths + 1
    end
    return format("%d.%02d", floor(hundredths / 100), hundredths % 100)
end


return _M
