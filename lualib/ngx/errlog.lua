-- ngx.errlog: the error log from within.
--
--   set_filter_level(level)   captures lines of this level and worse
--                             true | nil, err
--   get_logs(max, into)       {level, time, line, level, time, line, …}: the
--                             oldest captured lines, 10 at most unless told
--                             otherwise, which are captured no longer
--                             | nil, err
--   get_sys_filter_level()    the level that the log is written at
--   raw_log(level, text)      a line without "[lua] file:LINE:"
--
-- Captured is what has been written since, with lua_capture_error_log.
--
-- Follows lua-resty-core's module of this name and ngx_http_lua_log.c.

local log = require "resty_py.log"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local error = error
local floor = math.floor
local format = string.format
local take = native.log.take
local tonumber = tonumber
local type = type

local DEFAULT_LOGS = 10
local FIRST, LAST = log.STDERR, log.DEBUG

local _M = {version = require "resty.core.base".version}


local function is_level(level)
    return level >= FIRST and level < LAST + 1
end


function _M.set_filter_level(level)
    if not level then
        return nil, 'missing "level" argument'
    end
    local number = tonumber(level)
    if not number then
        error(format("bad argument #1 to 'set_filter_level' (number expected, "
                     .. "got %s)", type(level)), 2)
    elseif not native.log.is_captured() then
        return nil, 'directive "lua_capture_error_log" is not set'
    elseif not is_level(number) then
        return nil, format("bad log level: %d", floor(number))
    end
    native.log.capture_from(floor(number))
    return true
end


function _M.get_logs(max, into)
    if not native.log.is_captured() then
        return nil, 'directive "lua_capture_error_log" is not set'
    end
    local logs, n = into or {}, 0
    for _ = 1, max or DEFAULT_LOGS do
        local level, time, line = take()
        if not level then
            break
        end
        logs[n + 1], logs[n + 2], logs[n + 3] = level, time, line
        n = n + 3
    end
    logs[n + 1] = nil
    return logs
end


local function current()
    local thread = scheduler.current
    return thread and thread.request
end


function _M.get_sys_filter_level()
    local r = current()
    return log.level(r and (r.main or r).settings)
end


function _M.raw_log(level, text)
    if type(level) ~= "number" then
        error("bad argument #1 to 'raw_log' (must be a number)", 2)
    elseif type(text) ~= "string" then
        error("bad argument #2 to 'raw_log' (must be a string)", 2)
    elseif not is_level(level) then
        error("bad log level", 2)
    end
    local r = current()
    if r then
        log.request(r, floor(level), text)
    else
        log.write(floor(level), text)
    end
end


return _M
