-- The limit_req module: how many requests may come in a time.
--
--   prepare(settings)   readies a location's settings
--   check(r)            nil: it may go on | the status that it ends with
--                       | nil, the seconds that it has to wait
--
-- Rules:
--
-- 1. Each value of a zone's key has a bucket: an entry that says when a request
--    was counted last, in milliseconds of the clock that all workers have in
--    common, and how far the requests were in excess of the rate then, in
--    thousandths of one. The excess runs off by the rate.
-- 2. A bucket changes by a swap of its old text for the new one, so that no two
--    workers count at once; who comes too late looks again.
-- 3. A bucket is forgotten when it would no longer make a difference, or when
--    its zone is full and it was used least.
-- 4. All limits but the last are looked at first and counted when none of them
--    refuses. The longest delay counts.
-- 5. A request is limited once, whatever locations it comes to, subrequests
--    included: its `limit_req_status` is $limit_req_status.
--
-- Follows ngx_http_limit_req_module.c.

local clock = require "resty_py.clock"
local log = require "resty_py.log"
local zones = require "resty_py.modules.limit.zones"

local ceil = math.ceil
local floor = math.floor
local format = string.format
local ipairs = ipairs
local max = math.max
local sub = string.sub
local tonumber = tonumber

local MAX_KEY = 65535

-- A bucket's text: two numbers, the first of so many digits.
local BUCKET, DIGITS = "%13.0f%11.0f", 13

-- A request, and a second, in the units of a bucket.
local REQUEST, SECOND = 1000, 1000

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001

local _M = {}


function _M.prepare(settings)
    local limits = {}
    for i, given in ipairs(settings.limit_req or {}) do
        local zone = zones.find("limit_req", given.zone)
        limits[i] = {zone = zone, memory = zone.memory, rate = zone.rate,
                     burst = given.burst, delay = given.delay}
    end
    settings.limit_req = #limits > 0 and limits or nil
    if settings.limit_req then
        local level = zones.LEVELS[settings.limit_req_log_level]
        settings.limit_req_log_level = level
        settings.limit_req_delay_level = level == log.INFO and level
            or level + 1
    end
end


-- Buckets --------------------------------------------------------------------


-- What a bucket's excess is with one request more, and when that comes.
local function add_request(text, now, rate)
    if not text then
        return 0, now
    end
    local last = tonumber(sub(text, 1, DIGITS))
    local passed = max(0, now - last)
    local excess = tonumber(sub(text, DIGITS + 1)) + REQUEST
        - floor(rate * passed / SECOND)
    return max(0, excess), last + passed
end


local function put(limit, key, old, excess, last)
    local lifetime = ceil((excess + REQUEST) * SECOND / limit.rate) + 1
    return limit.memory.swap(0, key, old, format(BUCKET, last, excess),
                             lifetime)
end


local function out_of_memory(limit)
    log.write(log.ALERT, format(
        'could not allocate node in limit_req zone "%s"', limit.zone.name))
end


local function read(limit, key)
    local _, text = limit.memory.get(key, false)
    return text
end


-- Returns the excess with one request more, and whether that is too much.
local function look(limit, key, now)
    local excess = add_request(read(limit, key), now, limit.rate)
    return excess, excess > limit.burst
end


-- The same, and counts the request where that is not too much, or by force.
local function count(limit, key, now, forced)
    local text = read(limit, key)
    local excess, last = add_request(text, now, limit.rate)
    if excess > limit.burst and not forced then
        return excess, true
    end
    local err = put(limit, key, text, excess, last)
    if err == "changed" then
        return count(limit, key, now, forced)
    elseif err then
        out_of_memory(limit)
        return nil, true
    end
    return excess, false
end


-- The request ----------------------------------------------------------------


local function tell(r, level, what, excess, limit)
    log.request(r, level, format(
        '%s, excess: %d.%03d%s by zone "%s"',
        what .. (r.settings.limit_req_dry_run and ", dry run" or ""),
        floor(excess / REQUEST), excess % REQUEST,
        what == "delaying request" and "," or "", limit.zone.name))
end


local function note(r, status)
    local main = r.main or r
    local dry_run = r.settings.limit_req_dry_run
    main.limit_req_status = status .. (dry_run and "_DRY_RUN" or "")
    return dry_run
end


local function refuse(r, limit, excess)
    local settings = r.settings
    if excess then
        tell(r, settings.limit_req_log_level, "limiting requests", excess,
             limit)
    end
    return not note(r, "REJECTED") and settings.limit_req_status or nil
end


-- Milliseconds that a request has to wait for the rate.
local function delay_of(limit, excess)
    if excess <= limit.delay then
        return 0
    end
    return floor((excess - limit.delay) * SECOND / limit.rate)
end


local function let_pass(r, delay, excess, limit)
    if delay == 0 then
        (r.main or r).limit_req_status = "PASSED"
        return nil
    end
    tell(r, r.settings.limit_req_delay_level, "delaying request", excess, limit)
    if not note(r, "DELAYED") then
        return nil, delay / SECOND
    end
end


-- Counts the request in the limits before the n-th.
local function settle(r, keys, now, n, limit, excess)
    local limits = r.settings.limit_req
    local longest = delay_of(limit, excess)
    for i = n - 1, 1, -1 do
        local key = keys[i]
        local more = key and count(limits[i], key, now, true)
        local delay = more and delay_of(limits[i], more) or 0
        if delay > longest then
            longest, excess, limit = delay, more, limits[i]
        end
    end
    return let_pass(r, longest, excess, limit)
end


local function check_one(r, limit, now)
    local key = zones.key(limit.zone, r, MAX_KEY)
    if not key then
        return nil
    end
    local excess, is_over = count(limit, key, now)
    if is_over then
        return refuse(r, limit, excess)
    end
    return let_pass(r, delay_of(limit, excess), excess, limit)
end


local function check_all(r, limits, now)
    local keys, last, last_excess, is_limited = {}, #limits, 0, false
    for i = 1, last do
        local limit = limits[i]
        local key = zones.key(limit.zone, r, MAX_KEY)
        keys[i] = key or false
        if key then
            local act = i == last and count or look
            local excess, is_over = act(limit, key, now)
            if is_over then
                return refuse(r, limit, excess)
            end
            is_limited = true
            last_excess = i == last and excess or 0
        end
    end
    if is_limited then
        return settle(r, keys, now, last, limits[last], last_excess)
    end
end


function _M.check(r)
    if (r.main or r).limit_req_status then
        return nil
    end
    local limits = r.settings.limit_req
    local now = floor(clock.mono * SECOND + SLACK)
    if limits[2] then
        return check_all(r, limits, now)
    end
    return check_one(r, limits[1], now)
end


return _M
