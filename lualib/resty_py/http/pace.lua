-- limit_rate: how fast a response may leave.
--
--   prepare(settings)   makes those of a location: nil where there is no limit,
--                       else f(r) -> bytes a second
--   rate(r)             that of a response; 0: as fast as it can
--   room(r, sent)       how many bytes may leave now, `sent` of the response
--                       having left | 0, the seconds until some may
--   spent(r, sent, n)   notes that n more have left: seconds until others may
--
-- Rules:
--
-- 1. The rate is fixed when the first output is made, unless $limit_rate was
--    set before; it may be set later as well.
-- 2. A response has a whole second's bytes from the start, and
--    limit_rate_after more.
--
-- Follows ngx_http_write_filter.

local clock = require "resty_py.clock"
local log = require "resty_py.log"
local parse_size = require "resty_py.codec.size".parse
local template = require "resty_py.program.template"

local floor = math.floor
local format = string.format
local max = math.max
local type = type

local _M = {}


local function from_template(parts)
    local text = template.compile(parts)
    return function(r)
        local value = text(r)
        local size = parse_size(value)
        if not size then
            log.request(r, log.ERR, format('invalid size "%s"', value))
        end
        return size or 0
    end
end


local function compile(given)
    if type(given) == "table" then
        return from_template(given)
    end
    return function()
        return given
    end
end


function _M.prepare(settings)
    local rate, after = settings.limit_rate, settings.limit_rate_after
    settings.limit_rate = rate ~= 0 and compile(rate) or nil
    settings.limit_rate_after = compile(after)
end


function _M.rate(r)
    local rate = r.limit_rate
    if not rate then
        local configured = r.settings.limit_rate
        rate = configured and configured(r) or 0
        r.limit_rate = rate
    end
    return rate
end


local function free_bytes(r)
    local free = r.limit_rate_after
    if not free then
        free = r.settings.limit_rate_after(r)
        r.limit_rate_after = free
    end
    return free
end


-- nginx counts whole seconds of the clock.
function _M.room(r, sent)
    local wait = (r.delayed_until or 0) - clock.mono
    if wait > 0 then
        return 0, wait
    end
    local rate = _M.rate(r)
    local seconds = floor(clock.wall) - floor(r.start_wall) + 1
    local limit = rate * seconds - (sent - free_bytes(r))
    if limit > 0 then
        return limit
    end
    return 0, floor(-limit * 1000 / rate + 1) / 1000
end


function _M.spent(r, sent, n)
    local free = free_bytes(r)
    local counted = max(sent + n - free, 0) - max(sent - free, 0)
    local delay = floor(counted * 1000 / _M.rate(r)) / 1000
    r.delayed_until = clock.mono + delay
    return delay
end


return _M
