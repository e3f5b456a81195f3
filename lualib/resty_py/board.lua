-- The table in which the workers of a server see each other
-- (resty_py/server/scoreboard.py): who has how many clients.
--
--   open()            looks for it: a fork has made this process a worker
--   publish(active)   tells the others how many clients this worker has
--   behind(active)    nil: no worker has clearly fewer | the sum of the beats
--                     of those that have: it changes as one goes its rounds;
--                     whether any of them is not in Lua
--
-- Where a server is one process there is none: then the last two do nothing.

local native = require "resty_py.native"

local floor = math.floor
local pcall = pcall
local worker = native.worker

-- Words of a row, and those that are read here, from 0 on.
local ROW, BEAT, ACTIVE, GENERATION = 16, 1, 2, 3

-- Clients that a worker may have more than another: a few, and of many an
-- eighth.
local SLACK, SHARE = 1, 8

local has_ffi, ffi = pcall(require, "ffi")
has_ffi = has_ffi and native.sys.prefer_ffi()

local _M = {}


local function nothing() end


local function margin(active)
    return SLACK + floor(active / SHARE)
end


local function by_ffi(address, row, generation)
    local words = ffi.cast("int32_t *", address)
    local own = row * ROW

    function _M.publish(active)
        words[own + ACTIVE] = active
    end

    function _M.behind(active)
        local least = active - margin(active)
        local beats, is_idle
        for at = ROW, words[0] * ROW, ROW do
            if words[at + GENERATION] == generation
                and words[at + ACTIVE] < least
            then
                local beat = words[at + BEAT]
                beats = (beats or 0) + beat
                is_idle = is_idle or beat % 2 == 0
            end
        end
        return beats, is_idle
    end
end


local function by_host()
    _M.publish = worker.publish

    function _M.behind(active)
        return worker.behind(active, margin(active))
    end
end


function _M.open()
    local address, row, generation = worker.place()
    if not address then
        _M.publish, _M.behind = nothing, nothing
    elseif has_ffi then
        by_ffi(address, row, generation)
    else
        by_host()
    end
end


_M.open()

return _M
