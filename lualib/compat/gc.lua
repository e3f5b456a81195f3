-- collectgarbage: the options of 5.1 that 5.5 dropped, "isrunning" for 5.1;
-- and gcinfo.
--
--   collectgarbage("setpause", n), ("setstepmul", n)   5.5 calls them "param"
--   collectgarbage("isrunning")                        whether not stopped

local shim = ...

local collectgarbage = collectgarbage
local floor = math.floor
local next = next
local pcall = pcall

local OPTIONS = {}


-- Options are probed with the collector's own answer, changing nothing.
if not pcall(collectgarbage, "isrunning") then
    local is_running = true

    function OPTIONS.isrunning()
        return is_running
    end

    function OPTIONS.stop()
        is_running = false
        return collectgarbage("stop")
    end

    function OPTIONS.restart()
        is_running = true
        return collectgarbage("restart")
    end
end


if pcall(collectgarbage, "param", "pause") then
    function OPTIONS.setpause(value)
        return collectgarbage("param", "pause", value or 0)
    end

    function OPTIONS.setstepmul(value)
        return collectgarbage("param", "stepmul", value or 0)
    end
end


if next(OPTIONS) then
    function _G.collectgarbage(option, ...)
        if OPTIONS[option] then
            return OPTIONS[option](...)
        end
        local ok, result = pcall(collectgarbage, option, ...)
        if not ok then
            shim.retell("collectgarbage", result)
        end
        return result
    end
end


if not _G.gcinfo then
    function _G.gcinfo()
        return floor(collectgarbage("count"))
    end
end
