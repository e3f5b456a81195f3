-- Shared dictionaries by host functions: the portable half of resty_py.shm
-- (see zone.lua there for the interface). The Python side is
-- resty_py/host/shm.py.

local layout = require "resty_py.shm.layout"
local native = require "resty_py.native"
local time = require "resty_py.shm.time"

local now = time.now
local shm = native.shm

local NIL, NUMBER = layout.NIL, layout.NUMBER

-- Beyond it doubles leave out whole numbers.
local MAX_WHOLE = 2^53

local tointeger = math.tointeger
local type = type

local _M = {}


-- A double as Lua code has numbers: where there are integers, a whole one is
-- one, so that "user" .. dict:incr("id", 1, 0) is "user1" on every flavour.
local function plain(number)
    if number >= -MAX_WHOLE and number <= MAX_WHOLE then
        return tointeger(number) or number
    end
    return number
end


if not tointeger then
    plain = function(number)
        return number
    end
end


-- Opens a zone by its number.
function _M.open(number)
    local zone = {}

    function zone.get(key, stale)
        local kind, value, flags, expired = shm.get(number, key, now(), stale)
        if kind == NIL then
            return NIL
        elseif kind == NUMBER then
            value = plain(value)
        end
        return kind, value, flags, expired
    end

    function zone.store(operation, key, _, value, ttl, flags)
        return shm.store(number, operation, key, value, now(), ttl, flags)
    end

    function zone.swap(operation, key, old, new, ttl)
        return shm.swap(number, operation, key, old, new, now(), ttl)
    end

    function zone.incr(key, by, init, ttl)
        local sum, err, forced = shm.incr(number, key, by, now(), init, ttl)
        return sum and plain(sum), err, forced
    end

    function zone.ttl(key)
        return shm.ttl(number, key, now())
    end

    function zone.expire(key, ttl)
        return shm.expire(number, key, now(), ttl)
    end

    function zone.push(key, _, value, left)
        return shm.push(number, key, value, now(), left)
    end

    function zone.pop(key, left)
        local value, is_other = shm.pop(number, key, now(), left)
        return type(value) == "number" and plain(value) or value, is_other
    end

    function zone.llen(key)
        return shm.llen(number, key, now())
    end

    function zone.flush_all()
        shm.flush_all(number, now())
    end

    function zone.flush_expired(most)
        return shm.flush_expired(number, now(), most)
    end

    function zone.keys(most)
        return shm.keys(number, now(), most)
    end

    function zone.free_space()
        return shm.free_space(number)
    end

    return zone
end


return _M
