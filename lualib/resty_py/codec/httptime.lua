-- Dates as HTTP, cookies and nginx's logs write them.
--
--   http_time(sec)              "Thu, 18 Nov 2010 11:27:35 GMT"
--   cookie_time(sec)            "Thu, 18-Nov-10 11:27:35 GMT"
--   parse_http_time(s)          seconds, nil if it is no date; RFC 1123,
--                               RFC 850 and asctime (ngx_parse_http_time)
--   datetime(sec, offset)       "2010-11-18 11:27:35"
--   date(sec, offset)           "2010-11-18"
--   error_stamp(sec, offset)    "2010/11/18 11:27:35", of the error log
--   access_stamp(sec, offset)   "18/Nov/2010:11:27:35 +0000", $time_local
--   iso8601_stamp(sec, offset)  "2010-11-18T11:27:35+00:00", $time_iso8601
--
-- `sec` is a number of seconds since the epoch; its fraction does not count
-- and a time before the epoch is the epoch (ngx_gmtime). `offset` is the
-- zone's in seconds east; by default it is the local one.
--
-- All but cookie_time and parse_http_time keep their last answer: within a
-- second they cost a comparison.

local zone = require "resty_py.codec.zone"

local floor = math.floor
local format = string.format
local match = string.match
local find = string.find
local sub = string.sub
local tonumber = tonumber

local DAY = 86400

-- ngx_gmtime goes no further than the end of the year 9999; nginx's time_t
-- overflows much later, and what overflows it is negative.
local LAST_TIME = 253402300799
local TIME_OVERFLOW = 2 ^ 63

-- Civil years begin in March here, so that the leap day is the last one;
-- 719468 days lie between 1 March of the year 0 and the epoch.
local EPOCH_DAYS = 719468
local DAYS_OF_ERA = 146097  -- 400 years

-- The last year of which cookies show two digits (ngx_http_cookie_time).
local LAST_SHORT_YEAR = 2037

-- The least that can follow the day's name and still be a date.
local MIN_DATE_SIZE = 18

-- What nginx's parser returns for no date at all, be it a date or not.
local NGX_ERROR = -1

local WEEKDAYS = {[0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
local MONTHS = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
local MONTH_DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

local _M = {}


-- Whole seconds of a C cast to time_t, then of ngx_gmtime.
local function whole(sec)
    if not (sec > 0 and sec < TIME_OVERFLOW) then
        return 0
    end
    return sec < LAST_TIME and floor(sec) or LAST_TIME
end


-- Returns year, month and day of a day counted from the epoch.
local function civil(days)
    local shifted = days + EPOCH_DAYS
    local era = floor(shifted / DAYS_OF_ERA)
    local day_of_era = shifted - era * DAYS_OF_ERA
    local year_of_era = floor((day_of_era - floor(day_of_era / 1460)
        + floor(day_of_era / 36524) - floor(day_of_era / 146096)) / 365)
    local day_of_year = day_of_era - (365 * year_of_era
        + floor(year_of_era / 4) - floor(year_of_era / 100))
    local march_month = floor((5 * day_of_year + 2) / 153)
    local day = day_of_year - floor((153 * march_month + 2) / 5) + 1
    local year = year_of_era + era * 400
    if march_month < 10 then
        return year, march_month + 3, day
    end
    return year + 1, march_month - 9, day
end


-- Returns the days from the epoch to a date.
local function days_from_civil(year, month, day)
    if month <= 2 then
        year = year - 1
        month = month + 12
    end
    local era = floor(year / 400)
    local year_of_era = year - era * 400
    local day_of_year = floor((153 * (month - 3) + 2) / 5) + day - 1
    return era * DAYS_OF_ERA + year_of_era * 365 + floor(year_of_era / 4)
        - floor(year_of_era / 100) + day_of_year - EPOCH_DAYS
end


-- Returns year, month, day, hour, minute, second and day of the week.
local function broken_down(sec)
    local days = floor(sec / DAY)
    local rest = sec - days * DAY
    local hour = floor(rest / 3600)
    local minute = floor(rest / 60) - hour * 60
    local year, month, day = civil(days)
    return year, month, day, hour, minute, rest % 60, (days + 4) % 7
end


local function http_time(sec)
    local year, month, day, hour, minute, second, weekday = broken_down(sec)
    return format("%s, %02d %s %d %02d:%02d:%02d GMT", WEEKDAYS[weekday],
                  day, MONTHS[month], year, hour, minute, second)
end


local http_second, http_text


function _M.http_time(sec)
    if sec ~= http_second then
        http_text = http_time(whole(sec))
        http_second = sec
    end
    return http_text
end


function _M.cookie_time(sec)
    local year, month, day, hour, minute, second, weekday =
        broken_down(whole(sec))
    if year <= LAST_SHORT_YEAR then
        year = format("%02d", year % 100)
    else
        year = format("%d", year)
    end
    return format("%s, %02d-%s-%s %02d:%02d:%02d GMT", WEEKDAYS[weekday], day,
                  MONTHS[month], year, hour, minute, second)
end


local function local_time(sec, offset)
    return broken_down(whole(sec + offset))
end


-- Wraps write(sec, offset) so that it runs once for each second.
local function once_a_second(write)
    local kept_sec, kept_offset, kept
    return function(sec, offset)
        sec = floor(sec)
        if sec ~= kept_sec or offset ~= kept_offset then
            kept = write(sec, offset or zone.utc_offset(sec))
            kept_sec, kept_offset = sec, offset
        end
        return kept
    end
end


-- Returns sign, hours and minutes of a zone's offset.
local function zone_parts(offset)
    local minutes = floor((offset < 0 and -offset or offset) / 60)
    local hours = floor(minutes / 60)
    return offset < 0 and "-" or "+", hours, minutes - hours * 60
end


_M.datetime = once_a_second(function(sec, offset)
    return format("%04d-%02d-%02d %02d:%02d:%02d", local_time(sec, offset))
end)


_M.date = once_a_second(function(sec, offset)
    return format("%04d-%02d-%02d", local_time(sec, offset))
end)


_M.error_stamp = once_a_second(function(sec, offset)
    return format("%04d/%02d/%02d %02d:%02d:%02d", local_time(sec, offset))
end)


_M.access_stamp = once_a_second(function(sec, offset)
    local year, month, day, hour, minute, second = local_time(sec, offset)
    return format("%02d/%s/%d:%02d:%02d:%02d %s%02d%02d", day, MONTHS[month],
                  year, hour, minute, second, zone_parts(offset))
end)


_M.iso8601_stamp = once_a_second(function(sec, offset)
    local year, month, day, hour, minute, second = local_time(sec, offset)
    return format("%04d-%02d-%02dT%02d:%02d:%02d%s%02d:%02d", year, month,
                  day, hour, minute, second, zone_parts(offset))
end)


-- nginx tells months apart by as few letters as it can.
local MONTH_BY_FIRST = {F = 2, S = 9, O = 10, N = 11, D = 12}


local function month_of(name)
    local first, second, third = sub(name, 1, 1), sub(name, 2, 2), sub(name, 3)
    if first == "J" then
        return second == "a" and 1 or third == "n" and 6 or 7
    elseif first == "M" then
        return third == "r" and 3 or 5
    elseif first == "A" then
        return second == "p" and 4 or 8
    end
    return MONTH_BY_FIRST[first]
end


local function is_leap(year)
    return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end


-- Returns day, month, year, hour, minute, second as text, for a date after
-- the name of its day.
local function parts_after_comma(text)
    local day, month, year, hour, minute, second =
        match(text, "^(%d%d) (...) (%d%d%d%d) (%d%d):(%d%d):(%d%d)")
    if day then
        return day, month, year, hour, minute, second
    end
    day, month, year, hour, minute, second =
        match(text, "^(%d%d)%-(...)%-(%d%d) (%d%d):(%d%d):(%d%d)")
    if day then
        year = (tonumber(year) < 70 and "20" or "19") .. year
    end
    return day, month, year, hour, minute, second
end


local function parts_of_asctime(text)
    local month, day, hour, minute, second, year =
        match(text, "^(...). ?(%d%d?) (%d%d):(%d%d):(%d%d) (%d%d%d%d)")
    return day, month, year, hour, minute, second
end


local function epoch_time(day, month, year, hour, minute, second)
    if not month or hour > 23 or minute > 59 or second > 59 then
        return nil
    end
    if day > MONTH_DAYS[month]
        and not (day == 29 and month == 2 and is_leap(year))
    then
        return nil
    end
    local time = days_from_civil(year, month, day) * DAY + hour * 3600
        + minute * 60 + second
    return time ~= NGX_ERROR and time or nil
end


function _M.parse_http_time(s)
    local separator = find(s, "[, ]")
    local from = separator and find(s, "[^ ]", separator + 1)
    if not from or #s - from + 1 < MIN_DATE_SIZE then
        return nil
    end
    local text = sub(s, from)
    local parts = parts_after_comma
    if sub(s, separator, separator) == " " then
        parts = parts_of_asctime
    end
    local day, month, year, hour, minute, second = parts(text)
    if not day then
        return nil
    end
    return epoch_time(tonumber(day), month_of(month), tonumber(year),
                      tonumber(hour), tonumber(minute), tonumber(second))
end


return _M
