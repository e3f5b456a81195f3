-- ngx.log and print: lines of the error log.
--
-- Rules:
--
-- 1. A line whose level is not kept costs a comparison: its arguments are not
--    even looked at.
-- 2. It begins with where it was written: the base name of the chunk, the
--    line, and the function's name where it is a Lua function that has one
--    and was called by that name. The function that a light thread begins
--    with has none.
-- 3. It ends with for whom it was written (resty_py.log).
--
-- Follows ngx_http_lua_log.c.

local log = require "resty_py.log"
local scalar = require "resty_py.api.scalar"
local scheduler = require "resty_py.scheduler"

local base = scheduler.base
local concat = table.concat
local error = error
local floor = math.floor
local format = string.format
local getinfo = debug.getinfo
local getmetatable = debug.getmetatable
local is_enabled = log.enabled
local match = string.match
local select = select
local sub = string.sub
local to_text = scalar.to_text
local tonumber = tonumber
local type = type
local write_for = log.request
local write_plain = log.write

local NOTICE = log.NOTICE
local FIRST, LAST = log.STDERR, log.DEBUG

local _M = {}


-- Where ----------------------------------------------------------------------


-- The level at which where() finds who called the API function that called it.
local CALLER = 3


-- Returns the name of a Lua function by which it was called, or nil.
local function name_of(info)
    local kind, name = info.namewhat, info.name
    if info.what ~= "Lua" or kind == "" then
        return nil
    elseif kind == "metamethod" and sub(name, 1, 2) ~= "__" then
        return "__" .. name
    end
    return name
end


-- Returns "file.lua:LINE: " or "file.lua:LINE: name(): ".
local function where()
    local level = CALLER
    local info = getinfo(level, "Snl")
    while info and info.what == "tail" do
        -- PUC Lua 5.1 marks so where a call was a tail call.
        level = level + 1
        info = getinfo(level, "Snl")
    end
    if not info then
        return ""
    end
    local line = info.currentline
    local place = format("%s:%d: ", match(info.short_src, "[^/\\]*$"),
                         line > 0 and line or info.linedefined)
    local name = name_of(info)
    local caller = name and getinfo(level + 1, "f")
    if not name or caller and caller.func == base then
        return place
    end
    return place .. name .. "(): "
end


-- What -----------------------------------------------------------------------


-- Returns the text of one argument | nil, what is wrong with it.
local function argument(value)
    local text = to_text(value)
    if text then
        return text
    end
    local kind = type(value)
    if kind == "table" then
        local meta = getmetatable(value)
        local convert = meta and meta.__tostring
        if not convert then
            return nil, "expected table to have __tostring metamethod"
        end
        return to_text(convert(value)) or ""
    elseif kind == "userdata" and not getmetatable(value) then
        return ""
    end
    return nil, "string, number, boolean, or nil expected, got " .. kind
end


-- Joins arguments; an error for the caller of the API function `name`.
local function join(name, ...)
    local n = select("#", ...)
    local pieces = {...}
    for i = 1, n do
        local text, err = argument(pieces[i])
        if not text then
            error(format("bad argument #%d to '%s' (%s)", i, name, err), 3)
        end
        pieces[i] = text
    end
    return concat(pieces, "", 1, n)
end


local function write(level, text)
    local thread = scheduler.current
    if thread then
        return write_for(thread.request, level, text)
    end
    return write_plain(level, text)
end


local function is_kept(level)
    local thread = scheduler.current
    local r = thread and thread.request
    return is_enabled(level, r and (r.main or r).settings)
end


-- The API --------------------------------------------------------------------


local function bad_level(...)
    local level = tonumber((...))
    if level then
        return format("bad log level: %d", floor(level))
    elseif select("#", ...) == 0 then
        return "number expected, got no value"
    end
    return "number expected, got " .. type((...))
end


local function ngx_log(...)
    local level = tonumber((...))
    if not level or level < FIRST or level >= LAST + 1 then
        error("bad argument #1 to 'log' (" .. bad_level(...) .. ")", 2)
    end
    level = floor(level)
    if is_kept(level) then
        local message = join("log", select(2, ...))
        write(level, "[lua] " .. where() .. message)
    end
end


local function print(...)
    if is_kept(NOTICE) then
        local message = join("print", ...)
        write(NOTICE, "[lua] " .. where() .. message)
    end
end


function _M.install(ngx)
    ngx.log = ngx_log
    _G.print = print
end


return _M
