-- The table in which the workers of a server see each other
-- (resty_py/server/scoreboard.py): who there is, and has how many clients.
--
--   open()            looks for it: a fork has made this process a worker
--   publish(active)   tells the others how many clients this worker has
--   behind(active)    nil: no worker has clearly fewer | the sum of the beats
--                     of those that have: it changes as one goes its rounds;
--                     whether any of them is not in Lua
--   tell(active, waiting, accepted, served)
--                     tells the others how busy this worker is, and was
--   others()          the same of all others, added up
--   row, serial(row)  the row of this worker, and the number of the process of
--                     a row: no two of a server have the same
--   ended()           how many processes have ended: a number that changes
--
-- Where a server is one process there is no table: then nobody is told, nobody
-- has fewer clients or has ended, and the process is number 1 of row 0.

local native = require "resty_py.native"

local floor = math.floor
local pcall = pcall
local worker = native.worker

-- Words of a row, and those that are read here, from 0 on.
local ROW, BEAT, ACTIVE, GENERATION, WAITING, SERIAL = 16, 1, 2, 3, 4, 5
-- The same of a row as floats.
local FLOATS, ACCEPTED, SERVED = 8, 3, 4
-- A word of the head.
local ENDED = 1

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


local function nobody()
    return 0, 0, 0, 0
end


local function count_by_ffi(address, own)
    local words = ffi.cast("int32_t *", address)
    local floats = ffi.cast("double *", address)

    function _M.tell(active, waiting, accepted, served)
        words[own * ROW + ACTIVE] = active
        words[own * ROW + WAITING] = waiting
        floats[own * FLOATS + ACCEPTED] = accepted
        floats[own * FLOATS + SERVED] = served
    end

    function _M.others()
        local active, waiting = 0, 0
        local accepted, served = floats[ACCEPTED], floats[SERVED]
        for row = 1, words[0] do
            if row ~= own then
                active = active + words[row * ROW + ACTIVE]
                waiting = waiting + words[row * ROW + WAITING]
                accepted = accepted + floats[row * FLOATS + ACCEPTED]
                served = served + floats[row * FLOATS + SERVED]
            end
        end
        return active, waiting, accepted, served
    end
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

    function _M.serial(of)
        return words[of * ROW + SERIAL]
    end

    function _M.ended()
        return words[ENDED]
    end
end


local function by_host()
    _M.publish, _M.tell, _M.others = worker.publish, worker.tell, worker.others

    function _M.behind(active)
        return worker.behind(active, margin(active))
    end

    _M.serial, _M.ended = worker.serial, worker.ended
end


local function alone()
    _M.publish, _M.behind = nothing, nothing
    _M.tell, _M.others = nothing, nobody

    function _M.serial(row)
        return row == 0 and 1 or 0
    end

    function _M.ended()
        return 0
    end
end


function _M.open()
    local address, row, generation = worker.place()
    _M.row = row or 0
    if not address then
        alone()
    elseif has_ffi then
        by_ffi(address, row, generation)
        count_by_ffi(address, row)
    else
        by_host()
    end
end


_M.open()

return _M
