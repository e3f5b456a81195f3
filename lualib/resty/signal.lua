-- resty.signal: sends signals to processes.
--
--   kill(pid, signal)   signal: a name without SIG, or a number
--                       true | nil, err
--   signum(name)        the number | nil, "unknown signal name"
--
-- Takes the place of lua-resty-signal, which brings a C library of its own for
-- the numbers.

local native = require "resty_py.native"

local assert = assert
local gmatch = string.gmatch
local process = native.process
local tonumber = tonumber
local type = type

-- lua-resty-signal calls the signal that tests for a process NONE.
local NUMBERS = {NONE = 0}

for name, number in gmatch(process.signals(), "(%S+) (%d+)") do
    NUMBERS[name] = tonumber(number)
end

local _M = {version = 0.03}


function _M.signum(name)
    if type(name) == "number" then
        return name
    end
    local number = NUMBERS[name]
    if not number then
        return nil, "unknown signal name"
    end
    return number
end


function _M.kill(pid, signal)
    assert(signal)
    local number, err = _M.signum(signal)
    if not number then
        return nil, err
    end
    return process.kill(assert(pid), number)
end


return _M
