-- Dates in any format: set_formatted_gmt_time and set_formatted_local_time.
--
--   strftime(format, seconds, is_utc)   string
--
-- The conversions are those of strftime(3) in the C locale, nginx's, with the
-- flags "-" (no padding), "_" (spaces), "0" (zeros) and "^" (upper case) of
-- glibc. The flavours' own os.date knows different ones each; that of Lua 5.2
-- does not know the zone's name, and %Z is empty there.

local zone = require "resty_py.codec.zone"

local date = os.date
local floor = math.floor
local format = string.format
local gsub = string.gsub
local pcall = pcall
local rep = string.rep
local sub = string.sub
local upper = string.upper

local WEEKDAYS = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
                  "Friday", "Saturday"}
local MONTHS = {"January", "February", "March", "April", "May", "June",
                "July", "August", "September", "October", "November",
                "December"}

local DAYS = 7
-- Days of a year, counted from 0, that a week of it needs before ISO 8601
-- counts it to the year before.
local THURSDAY = 3

local expand


local function number(pattern, key)
    return function(time)
        return format(pattern, time[key])
    end
end


local function name(list, key, length)
    return function(time)
        return sub(list[time[key]], 1, length)
    end
end


local function composite(text)
    return function(time)
        return expand(text, time)
    end
end


local function twelve(time)
    return (time.hour + 11) % 12 + 1
end


-- Weeks of a year that begin at a weekday, 1: Sunday, 2: Monday.
local function week(first)
    return function(time)
        local since = (time.wday - first) % DAYS
        return format("%02d", floor((time.yday - 1 + DAYS - since) / DAYS))
    end
end


local function is_leap(year)
    return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end


-- Returns the week and the year of ISO 8601: those of the week's Thursday.
local function iso_week(time)
    local year = time.year
    local thursday = time.yday - 1 - (time.wday - 2) % DAYS + THURSDAY
    local length = is_leap(year) and 366 or 365
    if thursday < 0 then
        year = year - 1
        thursday = thursday + (is_leap(year) and 366 or 365)
    elseif thursday >= length then
        year = year + 1
        thursday = thursday - length
    end
    return floor(thursday / DAYS) + 1, year
end


local function offset(time)
    local minutes = floor(time.offset / 60)
    local sign = minutes < 0 and "-" or "+"
    minutes = minutes < 0 and -minutes or minutes
    return format("%s%02d%02d", sign, floor(minutes / 60), minutes % 60)
end


local CONVERSIONS = {
    ["%"] = function() return "%" end,
    n = function() return "\n" end,
    t = function() return "\t" end,

    a = name(WEEKDAYS, "wday", 3),
    A = name(WEEKDAYS, "wday", -1),
    b = name(MONTHS, "month", 3),
    B = name(MONTHS, "month", -1),
    h = name(MONTHS, "month", 3),

    C = function(time) return format("%02d", floor(time.year / 100)) end,
    d = number("%02d", "day"),
    e = number("%2d", "day"),
    g = function(time)
        local _, year = iso_week(time)
        return format("%02d", year % 100)
    end,
    G = function(time)
        local _, year = iso_week(time)
        return format("%d", year)
    end,
    H = number("%02d", "hour"),
    I = function(time) return format("%02d", twelve(time)) end,
    j = number("%03d", "yday"),
    k = number("%2d", "hour"),
    l = function(time) return format("%2d", twelve(time)) end,
    m = number("%02d", "month"),
    M = number("%02d", "min"),
    p = function(time) return time.hour < 12 and "AM" or "PM" end,
    P = function(time) return time.hour < 12 and "am" or "pm" end,
    s = number("%d", "seconds"),
    S = number("%02d", "sec"),
    u = function(time) return format("%d", (time.wday - 2) % DAYS + 1) end,
    U = week(1),
    V = function(time) return format("%02d", (iso_week(time))) end,
    w = function(time) return format("%d", time.wday - 1) end,
    W = week(2),
    y = function(time) return format("%02d", time.year % 100) end,
    Y = number("%d", "year"),
    z = offset,
    Z = function(time) return time.zone end,

    c = composite "%a %b %e %H:%M:%S %Y",
    D = composite "%m/%d/%y",
    F = composite "%Y-%m-%d",
    r = composite "%I:%M:%S %p",
    R = composite "%H:%M",
    T = composite "%H:%M:%S",
    x = composite "%m/%d/%y",
    X = composite "%H:%M:%S",
}

-- What a flag makes of the padding: a number's own digit is never padding.
local FLAGS = {
    ["-"] = function(text) return (gsub(text, "^[0 ]+(.)", "%1")) end,
    ["_"] = function(text)
        return (gsub(text, "^(0+)(%d)", function(zeros, digit)
            return rep(" ", #zeros) .. digit
        end))
    end,
    ["0"] = function(text)
        return (gsub(text, "^ +", function(spaces)
            return rep("0", #spaces)
        end))
    end,
    ["^"] = upper,
}


function expand(text, time)
    return (gsub(text, "%%([-_0^]?)[EO]?(.)", function(flag, letter)
        local convert = CONVERSIONS[letter]
        local change = FLAGS[flag]
        local converted = convert and convert(time)
        return converted and change and change(converted) or converted
    end))
end


local function zone_name(seconds)
    local known, text = pcall(date, "%Z", seconds)
    return known and text or ""
end


return function(text, seconds, is_utc)
    seconds = floor(seconds)
    local east = is_utc and 0 or zone.utc_offset(seconds)
    local time = date("!*t", seconds + east)
    time.seconds = seconds
    time.offset = east
    time.zone = is_utc and "GMT" or zone_name(seconds)
    return expand(text, time)
end
