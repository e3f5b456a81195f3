-- os: execute's three results, and exit with a boolean.
--
--   os.execute(command)   returns true (nil for failure), "exit" or "signal",
--                         and the code, as 5.2 and OpenResty's LuaJIT do
--   os.execute()          returns whether there is a shell
--
-- LuaJIT and 5.1 answer the raw wait status, and so do, for an exit code,
-- lupa's PUC Luas, which are built for no system in particular. Whether a 5.2
-- or later does is asked of it once, when execute is first used.

local shim = ...

local execute = os.execute
local exit = os.exit
local floor = math.floor
local jit = jit
local os = os
local type = type

-- A wait status: the low seven bits are the signal, the second byte the code.
local SIGNALS = 128
local CODES = 256

local PROBE = "exit 3"
local is_raw


local function decode(status)
    if status % SIGNALS ~= 0 then
        return nil, "signal", status % SIGNALS
    end
    local code = floor(status / CODES)
    return code == 0 or nil, "exit", code
end


local function describe(first, what, code)
    if type(first) == "number" then
        return decode(first)
    end
    if is_raw == nil then
        local _, _, probed = execute(PROBE)
        is_raw = probed ~= 3
    end
    if is_raw and what == "exit" then
        return decode(code)
    end
    return first, what, code
end


function os.execute(command)
    if command == nil then
        local shell = execute()
        return shell ~= 0 and shell ~= false
    end
    shim.expect(command, "string", 1)
    return describe(execute(command))
end


if _VERSION == "Lua 5.1" and not jit then
    function os.exit(code)
        if type(code) == "boolean" then
            code = code and 0 or 1
        end
        exit(code)
    end
end
