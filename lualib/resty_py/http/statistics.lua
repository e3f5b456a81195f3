-- How busy the server is: all its workers, or this one where the configuration
-- does not ask.
--
--   enable()     lets this worker tell the others, from now on
--   publish()    tells them, where it has been enabled
--   read()       clients: all; those whose requests are served; those that are
--                waited for; and since the start: clients, requests
--
-- A worker tells of each client and request as it begins, and of what became of
-- them at the end of a turn.

local board = require "resty_py.board"
local downstream = require "resty_py.http.downstream"

local max = math.max

local _M = {}

local is_enabled = false


local function waiting()
    return downstream.waiting + downstream.fresh
end


local function publish()
    board.tell(downstream.active, waiting(), downstream.accepted,
               downstream.served)
end


function _M.enable()
    is_enabled = true
    downstream.tell(publish)
end


function _M.publish()
    if is_enabled then
        publish()
    end
end


function _M.read()
    local active, waits, accepted, served = 0, 0, 0, 0
    if is_enabled then
        active, waits, accepted, served = board.others()
    end
    active, waits = active + downstream.active, waits + waiting()
    return active, max(active - waits, 0), waits,
        accepted + downstream.accepted, served + downstream.served
end


return _M
