-- The collector's pace, and the garbage that large output leaves behind.
--
--   pace()  called once: from the next cycle on, none begins before there is
--           ROOM of garbage
--   pay()   called by a light thread that is about to wait for its client
--
-- A collector waits until the heap has doubled. That of a worker is 2 MiB, all
-- of it alive, and a small request leaves 2 KiB: each thousand requests would
-- pay for marking and sweeping the whole program, a tenth of what they cost.
-- An object that each cycle finds dead measures the heap, sets the next pause
-- and leaves another one behind. Who sets a pause of their own keeps it. Other
-- flavours have their own pace: from 5.2 on finalizers run before all is swept.
--
-- LuaJIT's collector goes a step of a fixed size when something is allocated,
-- however large that is: a handler that makes a response of large strings
-- leaves it far behind. So whoever waits has it do as much as the heap has
-- grown since somebody paid. Nothing grows where the same strings go out again.
-- The other flavours' collectors count bytes.

local collectgarbage = collectgarbage
local floor = math.floor
local getmetatable = getmetatable
local max = math.max
local newproxy = newproxy

-- KiB of garbage that are worth a cycle.
local ROOM = 16384

-- In percent of the heap: what a Lua begins with.
local DOUBLE = 200

-- KiB of growth that are worth a call.
local GRAIN = 512

-- The pause that was set last.
local pause

-- KiB of the heap when it was paid for.
local paid = 0

local _M = {}


local function set_pause(value)
    local before = collectgarbage("setpause", value)
    if pause and before ~= pause then
        collectgarbage("setpause", before)
        return false
    end
    pause = value
    return true
end


local function watch()
    local sentinel = newproxy(true)
    getmetatable(sentinel).__gc = function()
        local room = floor(ROOM / collectgarbage("count") * 100)
        if set_pause(max(100 + room, DOUBLE)) then
            watch()
        end
    end
end


_M.pace = jit and watch or function() end


local function pay()
    local size = collectgarbage("count")
    local grown = size - paid
    if grown > GRAIN and collectgarbage("isrunning") then
        collectgarbage("step", grown)
        paid = collectgarbage("count")
    elseif grown < 0 then
        paid = size
    end
end


_M.pay = jit and pay or function() end

return _M
