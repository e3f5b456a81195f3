-- coroutine: 5.2's second result of running(), and isyieldable().
--
-- On LuaJIT and 5.1 the main thread has no coroutine object: running() is
-- nil, true there. On 5.2 isyieldable() cannot see C calls on the stack: it
-- says whether a coroutine runs.

local shim = ...

local coroutine = coroutine
local running = shim.running
local select = select


if select("#", coroutine.running()) < 2 then
    function coroutine.running()
        local co = running()
        return co, co == nil
    end
end


if not coroutine.isyieldable then
    local is_running = coroutine.running

    function coroutine.isyieldable()
        local _, is_main = is_running()
        return not is_main
    end
end
