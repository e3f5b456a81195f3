-- Tracebacks as a user of OpenResty reads them: they end with the function
-- that a light thread began with, and name a chunk as one.
--
--   of(co, base, err)  of a coroutine that has failed with `err`, and of those
--                      that it came from
--   here(base, level)  of the running one, from `level` on: 1 is who called
--   raised(co)         what error() was called with in one that has failed,
--                      before it put a place in front; nil: not by error()
--   pass(me, co, err)  notes that `err` has come out of `co`, which `me` runs
--                      by coroutine.wrap
--
-- base: the function that calls what a light thread runs. Both return
-- "stack traceback:" and a line per frame. Only the innermost frames are
-- looked at: finding the n-th frame of a deep stack takes n steps, and a
-- stack that has overflowed has hundreds of thousands.
--
-- `of` follows ngx_http_lua_thread_traceback, `here` Lua's own traceback.

local concat = table.concat
local error = error
local find = string.find
local format = string.format
local getinfo = debug.getinfo
local getlocal = debug.getlocal
local gsub = string.gsub
local match = string.match
local rawequal = rawequal
local sub = string.sub
local traceback = debug.traceback

-- Frames that are shown: NGX_HTTP_LUA_BT_DEPTH.
local DEPTH = 22
-- Frames that are looked through for the base; Lua's traceback shows as many.
local DEEPEST = 22
-- Frames on top of one that has passed on an error of coroutine.wrap: error()
-- and who called it.
local WRAPPED = 2

-- The error that came out of a coroutine last, and where it had come from:
-- {me, co, err, inner}. An error goes all its way at once, so that one is
-- enough; to keep one for each coroutine would keep those for ever that lead to
-- themselves (see scheduler/init.lua).
local last

local _M = {}


local function title(info)
    if info.what == "main" then
        return " in main chunk"
    elseif info.what == "C" or info.what == "tail" then
        return " ?"
    end
    return format(" in function <%s:%d>", info.short_src, info.linedefined)
end


local function is_named(info)
    return info.name and (info.namewhat ~= "" or info.what == "C")
end


-- One frame; `outermost`: it is what the base called, known by no name.
local function line(info, outermost)
    local place = info.short_src .. ":"
    if info.currentline > 0 then
        place = place .. info.currentline .. ":"
    end
    if is_named(info) and not outermost then
        return place .. " in function '" .. info.name .. "'"
    end
    return place .. title(info)
end


function _M.raised(co)
    local info = getinfo(co, 0, "f")
    if info and info.func == error then
        local _, value = getlocal(co, 0, 1)
        return value
    end
end


-- Its frames from level `first` on.
local function frames(co, base, first)
    local lines = {""}
    local before = nil
    for level = first, DEPTH do
        local info = getinfo(co, level, "Snlf")
        local over = not info or info.func == base
        if before then
            lines[#lines + 1] = line(before, over)
        end
        if over then
            return concat(lines, "\n\t")
        end
        before = info
    end
    lines[#lines + 1] = "..."
    return concat(lines, "\n\t")
end


local function came_from(co, err)
    if last and last.me == co and rawequal(last.err, err) then
        return last
    end
end


function _M.pass(me, co, err)
    last = {me = me, co = co, err = err, inner = came_from(co, err)}
end


-- The coroutines that an error came through, the innermost last.
local function chain(co, err)
    local found, n = {co}, 1
    local link = came_from(co, err)
    while link do
        n = n + 1
        found[n] = link.co
        link = link.inner
    end
    return found, n
end


function _M.of(co, base, err)
    local found, n = chain(co, err)
    local text = "stack traceback:" .. frames(found[n], base, 0)
    for i = n - 1, 1, -1 do
        text = text .. "\ncoroutine " .. n - i .. ":"
            .. frames(found[i], base, WRAPPED)
    end
    return text
end


-- Returns what is known of the function that `base` called, or nil.
local function first_called(base)
    local called
    for level = 0, DEEPEST do
        local info = getinfo(level + 2, "Sf")
        if not info then
            return nil
        elseif info.func == base then
            return called
        end
        called = info
    end
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
            return ":" .. title(called)
        end)
    end
    return text
end


function _M.here(base, level)
    return cut(match(traceback("", level + 1), "[^\n].*"), base,
               first_called(base))
end


return _M
