-- Tracebacks as a user of OpenResty reads them: they end with the function
-- that a light thread began with, and name a chunk as one.
--
--   of(co, base)       of a coroutine that has failed
--   here(base, level)  of the running one, from `level` on: 1 is who called
--
-- base: the function that calls what a light thread runs. Both return
-- "stack traceback:" and a line per frame.

local find = string.find
local format = string.format
local getinfo = debug.getinfo
local gsub = string.gsub
local match = string.match
local sub = string.sub
local traceback = debug.traceback

-- Frames that are looked through for the base.
local DEEPEST = 200000

local _M = {}


-- Returns what is known of the function that `base` called, or nil.
--   info_of   f(level): getinfo of a frame, nil behind the last
local function first_called(base, info_of)
    local called
    for level = 0, DEEPEST do
        local info = info_of(level)
        if not info then
            return nil
        elseif info.func == base then
            return called
        end
        called = info
    end
end


local function title(info)
    if info.what == "main" then
        return "in main chunk"
    end
    return format("in function <%s:%d>", info.short_src, info.linedefined)
end


-- Takes the frames from the base on out of a traceback.
--   called   what the base called, or nil
local function cut(text, base, called)
    local place = "\n\t" .. getinfo(base, "S").short_src .. ":"
    local at = find(text, place, 1, true)
    if not at then
        return text
    end
    text = sub(text, 1, at - 1)
    if called then
        text = gsub(text, ": in [^\n]*$", function()
            return ": " .. title(called)
        end)
    end
    return text
end


function _M.of(co, base)
    local called = first_called(base, function(level)
        return getinfo(co, level, "Sf")
    end)
    return cut(traceback(co), base, called)
end


function _M.here(base, level)
    local called = first_called(base, function(depth)
        return getinfo(depth + 2, "Sf")
    end)
    return cut(match(traceback("", level + 1), "[^\n].*"), base, called)
end


return _M
