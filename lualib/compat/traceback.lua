-- PUC Lua 5.1: debug.traceback and debug.getinfo see through pcall.
--
-- pcall.lua spreads one user's coroutine over several real ones. Here they
-- become one stack again: a list of debug.getinfo tables, innermost first,
-- in which a protected call looks as it does in stock Lua, one C function.
--
--   1. The frames of a helper end with the frame that called the protected
--      function; the frame of pcall takes its place.
--   2. Then follow the frames of the coroutine that waits for it, without
--      those of pcall.lua on top.
--   3. Under the handler of a failed xpcall come the frames of the failed
--      helper, then rules 1 and 2.
--
-- Levels given to error, getfenv, setfenv and debug.getlocal still count
-- real frames, and end at the protected function.

local shim = ...

local concat = table.concat
local huge = math.huge
local pcall = pcall
local running = shim.stock_running
local select = select
local stock_getinfo = shim.getinfo
local stock_traceback = debug.traceback
local sub = string.sub
local type = type

local failed = shim.failed
local inner = shim.inner
local machinery = shim.machinery
local outer = shim.outer
local stock_pcall = shim.stock_pcall

-- A traceback shows this many frames at either end of a longer stack; Lua's
-- LEVELS1 and LEVELS2.
local FIRST = 12
local LAST = 10
-- Frames of this file that may be on top of the user's.
local OWN = 8

local PCALL = {what = "C", namewhat = "global", name = "pcall",
               source = "=[C]", short_src = "[C]", currentline = -1,
               linedefined = -1, lastlinedefined = -1, nups = 0,
               func = pcall}


local function is_machinery(frame)
    return machinery[frame.func] or frame.what == "tail"
end


-- most: frames that make a stack long enough. Finding the n-th of a coroutine
-- takes n steps, and a stack that has overflowed has thousands.
local function append_frames(stack, co, level, what, most)
    local frame = stock_getinfo(co, level, what)
    while frame and #stack < most do
        stack[#stack + 1] = frame
        level = level + 1
        frame = stock_getinfo(co, level, what)
    end
end


local function first_user_level(co)
    local level = 0
    local frame = stock_getinfo(co, level, "Sf")
    while frame and is_machinery(frame) do
        level = level + 1
        frame = stock_getinfo(co, level, "Sf")
    end
    return level
end


local function append_callers(stack, helper, what, most)
    local co = outer[helper]
    while co do
        stack[#stack] = PCALL
        append_frames(stack, co, first_user_level(co), what, most)
        co = outer[co]
    end
end


local function is_handler_call(stack, index)
    return stack[index].func == stock_pcall and stack[index + 1]
        and machinery[stack[index + 1].func]
end


local function handler_call(stack)
    for index = 1, #stack do
        if is_handler_call(stack, index) then
            return index
        end
    end
end


local function after_machinery(stack, index)
    while stack[index] and is_machinery(stack[index]) do
        index = index + 1
    end
    return index
end


local function copy(target, source, first, last)
    for index = first, last do
        target[#target + 1] = source[index]
    end
end


-- Rule 3: cuts the stack at the call of the handler and puts the helper in.
local function with_failed(stack, helper, what, most)
    local cut = handler_call(stack)
    if not cut then
        return stack
    end
    local whole = {}
    copy(whole, stack, 1, cut - 1)
    append_frames(whole, helper, 0, what, most)
    whole[#whole] = PCALL
    copy(whole, stack, after_machinery(stack, cut + 1), #stack)
    return whole
end


-- The stack of the running coroutine from the caller of `entry` on, the
-- function of this file that the user called. Frame `most` and those behind
-- it may be wrong or missing.
local function current_stack(co, entry, what, most)
    local frames = {}
    append_frames(frames, co, 0, what, most + OWN)
    local top = 1
    while frames[top].func ~= entry do
        top = top + 1
    end
    local stack = {}
    copy(stack, frames, top + 1, #frames)
    if failed[co] then
        stack = with_failed(stack, failed[co], what, most)
    end
    append_callers(stack, co, what, most)
    return stack
end


-- The stack of a coroutine that is not running.
local function parked_stack(co, what, most)
    while inner[co] do
        co = inner[co]
    end
    local stack = {}
    append_frames(stack, co, 0, what, most)
    append_callers(stack, co, what, most)
    return stack
end


-- Whether `co` runs only a part of the user's stack.
local function is_split(co)
    return co and (outer[co] or failed[co])
end


local function frame_name(frame)
    if frame.namewhat ~= "" then
        return " in function '" .. frame.name .. "'"
    elseif frame.what == "main" then
        return " in main chunk"
    elseif frame.what == "C" or frame.what == "tail" then
        return " ?"
    end
    return " in function <" .. frame.short_src .. ":" .. frame.linedefined
        .. ">"
end


local function frame_line(frame)
    local line = "\n\t" .. frame.short_src .. ":"
    if frame.currentline > 0 then
        line = line .. frame.currentline .. ":"
    end
    return line .. frame_name(frame)
end


local function describe(stack, level)
    local lines = {"stack traceback:"}
    local count = #stack
    local skipped = level + FIRST
    for index = level, count do
        if index < skipped or index > count - LAST then
            lines[#lines + 1] = frame_line(stack[index])
        elseif index == skipped then
            lines[#lines + 1] = "\n\t..."
        end
    end
    return concat(lines)
end


-- Returns the message with the stack under it. Like stock Lua, hands back a
-- message that is given and is no text: an explicit nil too.
local function report(stack, level, count, message)
    local text = describe(stack, level)
    if count == 0 then
        return text
    elseif type(message) == "string" or type(message) == "number" then
        return message .. "\n" .. text
    end
    return message
end


local function traceback_of(co, ...)
    if not inner[co] then
        return stock_traceback(co, ...)
    end
    local message, level = ...
    return report(parked_stack(co, "nSlf", huge), (level or 0) + 1,
                  select("#", ...), message)
end


local function traceback(...)
    local message, level = ...
    if type(message) == "thread" then
        return traceback_of(...)
    end
    local co = running()
    if is_split(co) then
        local stack = current_stack(co, shim.traceback, "nSlf", huge)
        return report(stack, level or 1, select("#", ...), message)
    elseif select("#", ...) == 0 then
        local text = stock_traceback("", 2)
        return sub(text, 2)
    end
    local text = stock_traceback(message, (level or 1) + 1)
    return text
end


-- The stacks above ask every frame for what the user asks of one.
local function asked(what)
    return (what or "nSluf") .. "Sf"
end


local function getinfo_of(co, level, what)
    if inner[co] and type(level) == "number" then
        return parked_stack(co, asked(what), level + 2)[level + 1]
    end
    return stock_getinfo(co, level, what or "nSluf")
end


local function getinfo(...)
    local first, second, third = ...
    if type(first) == "thread" then
        return getinfo_of(first, second, third)
    elseif type(first) ~= "number" then
        return stock_getinfo(...)
    end
    local co = running()
    if is_split(co) and first > 0 then
        return current_stack(co, shim.visible_getinfo, asked(second),
                             first + 1)[first]
    end
    local info = stock_getinfo(first + 1, second or "nSluf")
    return info
end


shim.traceback = traceback
shim.visible_getinfo = getinfo
debug.traceback = traceback
debug.getinfo = getinfo
