-- The shim: one Lua language on every flavour.
--
--   chunk(folder)   folder: string, ends with "/"
--
-- The language is Lua 5.1 as LuaJIT 2.1 speaks it, with the 5.2 names that
-- OpenResty's LuaJIT adds (LUAJIT_ENABLE_LUA52COMPAT) and the functions of
-- OpenResty's luajit2. docs/compatibility.md tells users what differs still.
--
-- Rules:
--
-- 1. One file per gap, loaded in this order into every VM, before any other
--    Lua code; a file captures the originals it needs in locals.
-- 2. The VM is asked whether it has a gap: the table below by whole files, a
--    file for its single functions. What is right already is left alone, so a
--    LuaJIT built with the 5.2 names, or luajit2 itself, keeps its own.
-- 3. What the stock function does fast stays fast: a replacement either
--    decides in a few instructions or is not made, and then the difference
--    is written down in docs/compatibility.md.
-- 4. Errors read as the C library's and blame the caller's line.
--
-- Files are called with one private table, `shim`, for what they share:
--
--   blame, expect, retell   errors (arguments.lua)
--   running                 the coroutine the user sees (pcall.lua, or stock)
--   environment             the global table that new chunks get (load.lua)
--   getinfo                 stock debug.getinfo
--   folder                  this folder, ends with "/"

local folder = ...

local assert = assert
local coroutine = coroutine
local format = string.format
local ipairs = ipairs
local loadfile = loadfile
local math_type = math.type
local pcall = pcall


local function yields_across_pcall()
    local co = coroutine.create(function()
        pcall(coroutine.yield)
    end)
    coroutine.resume(co)
    return coroutine.status(co) == "suspended"
end


local function formats_like_luajit()
    return pcall(format, "%d", 0.5) and format("%s", "\0") == "\0"
end


local IS_RESUMABLE = yields_across_pcall()

-- Each gap's file, and whether this VM has the gap.
local GAPS = {
    {"jit", package.loaded["jit.opt"]},
    {"arguments", true},
    {"pcall", not IS_RESUMABLE},
    {"traceback", not IS_RESUMABLE},
    {"coroutine", true},
    {"exdata", not package.preload["thread.exdata"]},
    {"load", true},
    {"environment", not _G.setfenv},
    {"module", not _G.module},
    {"require", true},
    {"pairs", true},
    {"number", not tonumber("1.5", 10)},
    {"math", not (math.pow and math.mod and math.log(8, 2) == 3)},
    {"string", not string.gfind or string.rep("a", 2, ",") ~= "a,a"},
    {"fraction", math_type ~= nil},
    {"format", not formats_like_luajit()},
    {"table", true},
    {"luajit2", not package.preload["table.nkeys"]},
    {"bit", not _G.bit},
    {"os", true},
    {"io", type(io.stdout:write()) ~= "userdata" or _VERSION == "Lua 5.2"},
    {"debug", true},
    {"gc", not pcall(collectgarbage, "isrunning") or not _G.gcinfo},
}

local shim = {
    environment = _G,
    folder = folder,
    getinfo = debug.getinfo,
    running = coroutine.running,
}

for _, gap in ipairs(GAPS) do
    local name, is_there = gap[1], gap[2]
    if is_there then
        assert(loadfile(folder .. name .. ".lua"))(shim)
    end
end
