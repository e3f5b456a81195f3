-- The headers module: add_header and expires.
--
--   prepare(settings)  compiles both
--   header_filter(settings)   f(r), nil where there is nothing to do
--   compile(given)     an array of what add_header says, or nil
--   is_safe(status)    whether they are for responses of that status
--
-- Rules:
--
-- 1. They are for main requests, and for the statuses of SAFE alone; for all
--    where `always` is said.
-- 2. add_header adds to those of its name; a Last-Modified and an ETag take
--    the place of the response's own, and no value takes them out. No value
--    adds nothing.
-- 3. expires sets Expires and Cache-Control, in the places of those that are
--    there. A time to come is also a max-age; one that is past means no-cache.
-- 4. A value with variables is read for each request; one that is no time is
--    as good as "off".
--
-- Follows ngx_http_headers_filter_module.c.

local clock = require "resty_py.clock"
local httptime = require "resty_py.codec.httptime"
local template = require "resty_py.program.template"
local validators = require "resty_py.http.validators"
local zone = require "resty_py.codec.zone"

local compile = template.compile
local find = string.find
local floor = math.floor
local format = string.format
local headers_of = require "resty_py.http.header_list".of
local http_time = httptime.http_time
local ipairs = ipairs
local lower = string.lower
local match = string.match
local tonumber = tonumber

local DAY = 86400

local SAFE = {[200] = true, [201] = true, [204] = true, [206] = true,
              [301] = true, [302] = true, [303] = true, [304] = true,
              [307] = true, [308] = true}

local EPOCH = "Thu, 01 Jan 1970 00:00:01 GMT"
local LAST = "Thu, 31 Dec 2037 23:55:55 GMT"
local TEN_YEARS = "max-age=315360000"

-- Units of a time in their order, and their seconds.
local UNITS = {{"y", 365 * DAY}, {"M", 30 * DAY}, {"w", 7 * DAY}, {"d", DAY},
               {"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}}
-- Digits of a number that a double holds without loss.
local MAX_DIGITS = 15

local _M = {}


function _M.is_safe(status)
    return SAFE[status]
end


-- add_header ----------------------------------------------------------------


local function add(r, header, value)
    if value ~= "" then
        headers_of(r):add(header.name, value, header.key)
    end
end


-- One beside that which the server writes itself, if it does.
local function add_of_server(r, header, value)
    local headers = headers_of(r)
    local own = headers.own or {}
    headers.own = own
    if own[header.key] == nil then
        own[header.key] = not headers:find(header.key)
    end
    return add(r, header, value)
end


local function replace(r, header, value)
    return headers_of(r):put(header.name, value, header.key, true)
end


local function replace_last_modified(r, header, value)
    replace(r, header, value)
    if value == "" then
        r.last_modified = nil
    end
end


-- What was set before is the response's coding: modules/gzip.lua.
local function add_coding(r, header, value)
    r.coding = r.coding or headers_of(r):get(header.key) or ""
    return add(r, header, value)
end


local PUT = {
    ["content-encoding"] = add_coding,
    ["server"] = add_of_server,
    ["date"] = add_of_server,
    ["last-modified"] = replace_last_modified,
    ["etag"] = replace,
}


function _M.compile(given)
    local headers = {}
    for i, each in ipairs(given) do
        local key = lower(each.name)
        headers[i] = {
            name = each.name,
            key = key,
            value = compile(each.value),
            always = each.always,
            put = PUT[key] or add,
        }
    end
    return headers[1] and headers or nil
end


-- expires -------------------------------------------------------------------


local function set(r, time, control)
    local headers = headers_of(r)
    headers:set("Expires", time, "expires")
    headers:set("Cache-Control", control, "cache-control")
end


-- When it is next so many seconds after midnight, as ngx_next_time has it: the
-- zone's offset is that of now.
local function next_time(now, second)
    local east = zone.utc_offset(now)
    local midnight = floor((now + east) / DAY) * DAY - east
    local next = midnight + second
    return next > now and next or next + DAY
end


-- Each returns the time and the age at which the response is stale.
local STALE = {
    access = function(_, now, seconds)
        return now + seconds, seconds
    end,
    modified = function(r, now, seconds)
        local time = (validators.last_modified(r) or now) + seconds
        return time, time - now
    end,
    daily = function(_, now, seconds)
        local time = next_time(now, seconds)
        return time, time - now
    end,
}


-- past: whether the time stands in the configuration with a minus.
local function set_relative(r, mode, seconds, past)
    local now = floor(clock.wall)
    if seconds == 0 and mode ~= "daily" then
        return set(r, http_time(now), "max-age=0")
    end
    local time, age = STALE[mode](r, now, seconds)
    local control = (past or age < 0) and "no-cache"
        or format("max-age=%d", age)
    return set(r, http_time(time), control)
end


local FIXED = {
    off = function() end,
    epoch = function(r)
        return set(r, EPOCH, "no-cache")
    end,
    max = function(r)
        return set(r, LAST, TEN_YEARS)
    end,
}


-- Returns the seconds of a time such as "1h 30m" | nil where it is none.
local function parse_seconds(text)
    if not find(text, "%d") then
        return nil
    end
    local total, at = 0, 1
    for _, unit in ipairs(UNITS) do
        local digits, next = match(text, "^(%d+)" .. unit[1] .. " *()", at)
        if digits then
            if #digits > MAX_DIGITS then
                return nil
            end
            total = total + tonumber(digits) * unit[2]
            at = next
        end
    end
    return at > #text and total or nil
end


-- Returns mode and seconds of a text | nil where it is no time.
local function parse_relative(text, mode)
    local sign, rest = match(text, "^([@+-]?)(.*)$")
    local seconds = parse_seconds(rest)
    if not seconds then
        return nil
    elseif sign == "@" then
        if mode == "modified" or seconds > DAY then
            return nil
        end
        mode = "daily"
    end
    return mode, sign == "-" and -seconds or seconds
end


local function compile_variable(given)
    local value = compile(given.value)
    local mode = given.mode == "modified" and "modified" or "access"
    return function(r)
        local text = value(r)
        local fixed = mode == "access" and FIXED[text]
        if fixed then
            return fixed(r)
        end
        local found, seconds = parse_relative(text, mode)
        return found and set_relative(r, found, seconds, false)
    end
end


local function compile_expires(given)
    local mode, seconds = given.mode, given.seconds
    if given.value then
        return compile_variable(given)
    elseif mode == "off" then
        return nil
    end
    return FIXED[mode] or function(r)
        return set_relative(r, mode, seconds, seconds < 0)
    end
end


-- The filter ----------------------------------------------------------------


local function filter(r)
    if r.parent then
        return
    end
    local settings = r.settings
    local expires, headers = settings.expires, settings.add_header
    local is_safe = SAFE[r.status]
    if expires and is_safe then
        expires(r)
    end
    for i = 1, headers and #headers or 0 do
        local header = headers[i]
        if is_safe or header.always then
            header.put(r, header, header.value(r))
        end
    end
end


function _M.header_filter(settings)
    return (settings.expires or settings.add_header) and filter
end


function _M.prepare(settings)
    settings.add_header = settings.add_header
        and _M.compile(settings.add_header)
    settings.expires = settings.expires and compile_expires(settings.expires)
end


return _M
