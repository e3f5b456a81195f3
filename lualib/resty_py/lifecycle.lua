-- The life of the worker, for those who behave differently at its end.
--
--   exiting        true once the worker is to stop
--   at_exit(f)     calls f() when that begins
--   begin_exit()   begins it

local ipairs = ipairs

local _M = {exiting = false}

local callbacks = {}


function _M.at_exit(f)
    callbacks[#callbacks + 1] = f
end


function _M.begin_exit()
    if not _M.exiting then
        _M.exiting = true
        for _, callback in ipairs(callbacks) do
            callback()
        end
    end
end


return _M
