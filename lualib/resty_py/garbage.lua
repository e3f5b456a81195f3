-- The garbage that large output leaves behind.
--
--   pay()   called by a light thread that is about to wait for its client
--
-- LuaJIT's collector goes a step of a fixed size when something is allocated,
-- however large that is: a handler that makes a response of large strings
-- leaves it far behind. So whoever waits has it do as much as the heap has
-- grown since somebody paid. Nothing grows where the same strings go out again.
-- The other flavours' collectors count bytes.

local collectgarbage = collectgarbage

-- KiB of growth that are worth a call.
local GRAIN = 512

-- KiB of the heap when it was paid for.
local paid = 0

local _M = {}


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
