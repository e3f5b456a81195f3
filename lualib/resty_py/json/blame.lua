-- Errors about arguments, worded and placed as a C function's are.
--
--   blame(position, problem)   raises "bad argument #position to 'name'
--                              (problem)" for the function that called it
--   text(position, problem)    the same as text, for a function without a name

local error = error
local format = string.format
local getinfo = debug.getinfo

local MESSAGE = "bad argument #%d to '%s' (%s)"

local _M = {}


function _M.text(position, problem)
    return format(MESSAGE, position, "?", problem)
end


function _M.blame(position, problem)
    local name = getinfo(2, "n").name or "?"
    error(format(MESSAGE, position, name, problem), 3)
end


return _M
