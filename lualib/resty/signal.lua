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
local ceil = math.ceil
local error = error
local floor = math.floor
local gmatch = string.gmatch
local process = native.process
local tonumber = tonumber
local type = type

-- lua-resty-signal calls the signal that tests for a process NONE.
local NUMBERS = {NONE = 0}

-- What C's int does not reach.
local LIMIT = 2 ^ 31

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


-- Returns a number as C's int | nil: it is none.
local function int(number)
    if number > -LIMIT and number < LIMIT then
        return number < 0 and ceil(number) or floor(number)
    end
end


function _M.kill(pid, signal)
    assert(signal)
    local number, err = _M.signum(signal)
    if not number then
        return nil, err
    elseif type(assert(pid)) ~= "number" then
        error("bad argument #1 to 'kill' (number expected, got " .. type(pid)
              .. ")", 2)
    end
    pid, number = int(pid), int(number)
    if not pid or not number then
        return nil, pid and "Invalid argument" or "No such process"
    end
    return process.kill(pid, number)
end


return _M
