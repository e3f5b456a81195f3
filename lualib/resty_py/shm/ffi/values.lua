-- Operations on one value of a zone, by FFI.
--
--   add(zone, parts)   puts get, store, swap, incr, ttl and expire into `zone`
--
-- What is read is copied to a buffer under the mutex, and becomes a string
-- after: see memory.lua. Where the buffer is too small, it grows without the
-- mutex and the operation begins anew.

local bit = require "bit"
local buffer = require "resty_py.shm.ffi.buffer"
local layout = require "resty_py.shm.layout"
local memories = require "resty_py.shm.ffi.memory"
local size_of = require "resty_py.shm.ffi.size_of"
local time_of = require "resty_py.shm.time"

local band = bit.band
local copy = memories.copy
local equal = memories.equal
local expiry = time_of.expiry
local grow = buffer.grow
local take = buffer.take
local now = time_of.now

local BOOLEAN, NIL, NUMBER = layout.BOOLEAN, layout.NIL, layout.NUMBER
local ENTRY_COST, EXPIRES = layout.ENTRY_COST, layout.EXPIRES
local FIRST, FLAGS, LAST = layout.FIRST, layout.FLAGS, layout.LAST
local LIST, STRING = layout.LIST, layout.STRING
local MAX_VALUE = layout.MAX_VALUE
local SIZE, TYPE = layout.SIZE, layout.TYPE

-- Bits of store's first argument.
local ADD, REPLACE, SAFE = 1, 2, 4

local _M = {}


local function add_reading(zone, parts)
    local memory, entries = parts.memory, parts.entries
    local words, doubles = memory.words, memory.doubles
    local octets, base = memory.octets, memory.base
    local hash, look_up = parts.hash, parts.look_up
    local lock, unlock = memory.lock, memory.unlock
    local drop_expired, is_expired = entries.drop_expired, entries.is_expired
    local value_at = entries.value_at

    -- Reads a value and gives back the mutex: kind, size, and what is no
    -- string.
    local function take_out(ref, kind, size)
        local at = value_at(ref)
        if kind == STRING then
            if size > buffer.room then
                unlock()
                return -1, size
            end
            copy(buffer.base, base + 8 * at, size)
            unlock()
            return STRING, size
        end
        local value
        if kind == NUMBER then
            value = doubles[at]
        elseif kind == BOOLEAN then
            value = octets[8 * at] ~= 0
        end
        unlock()
        return kind, size, value
    end

    local function find_live(key, hashed, stale)
        local time = now()
        lock()
        if not stale then
            drop_expired(time)
        end
        local ref = look_up(key, hashed)
        if ref == 0 then
            return 0, false
        end
        local expired = is_expired(ref, time)
        if expired and not stale then
            return 0, false
        end
        return ref, expired
    end

    -- kind, value, flags, whether it has expired
    function zone.get(key, stale)
        local ref, expired = find_live(key, hash(key, #key), stale)
        if ref == 0 then
            unlock()
            return NIL
        end
        local flags = words[2 * ref + FLAGS]
        local kind, size, value = take_out(ref, words[2 * ref + TYPE],
                                           words[2 * ref + SIZE])
        if kind == STRING then
            value = take(size)
        elseif kind == -1 then
            grow(size)
            return zone.get(key, stale)
        end
        return kind, value, flags, expired
    end
end


local function add_writing(zone, parts)
    local memory, entries = parts.memory, parts.entries
    local words, doubles = memory.words, memory.doubles
    local base = memory.base
    local hash, look_up = parts.hash, parts.look_up
    local lock, unlock = memory.lock, memory.unlock
    local drop_expired, is_expired = entries.drop_expired, entries.is_expired
    local overwrite, value_at = entries.overwrite, entries.value_at

    local function insert(key, hashed, kind, value, size, time, expires,
                          flags, safe)
        local ref, forced = 0, false
        if size <= MAX_VALUE then
            ref, forced = entries.make(key, #key, hashed,
                                       ENTRY_COST + #key + size, time, safe)
        end
        if ref == 0 then
            return "no memory", forced
        end
        doubles[ref + EXPIRES] = expires
        words[2 * ref + FLAGS] = flags
        words[2 * ref + SIZE] = size
        words[2 * ref + FIRST] = 0
        words[2 * ref + LAST] = 0
        entries.write(value_at(ref), kind, value)
        words[2 * ref + TYPE] = kind
        entries.publish(ref)
        return nil, forced
    end

    local function fits(ref, size)
        return words[2 * ref + SIZE] == size and words[2 * ref + TYPE] ~= LIST
    end

    local function store(operation, key, hashed, kind, value, size, time,
                         expires, flags)
        drop_expired(time)
        local ref = look_up(key, hashed)
        local is_there = ref ~= 0 and not is_expired(ref, time)
        if band(operation, REPLACE) ~= 0 and not is_there then
            return "not found", false
        elseif band(operation, ADD) ~= 0 and is_there then
            return "exists", false
        end
        if ref ~= 0 then
            if kind ~= NIL and fits(ref, size) then
                overwrite(ref, kind, value, flags, expires)
                return nil, false
            end
            entries.remove(ref)
        end
        if kind == NIL then
            return nil, false
        end
        return insert(key, hashed, kind, value, size, time, expires, flags,
                      band(operation, SAFE) ~= 0)
    end

    function zone.store(operation, key, kind, value, ttl, flags)
        local hashed, time = hash(key, #key), now()
        local size, expires = size_of(kind, value), expiry(time, ttl)
        lock()
        local err, forced = store(operation, key, hashed, kind, value, size,
                                  time, expires, flags)
        unlock()
        return err, forced
    end

    -- Whether an entry is the string `old`, or there is none where that is nil.
    local function holds(ref, time, old)
        if ref == 0 or is_expired(ref, time) then
            return not old
        end
        return old and words[2 * ref + TYPE] == STRING
            and words[2 * ref + SIZE] == #old
            and equal(base + 8 * value_at(ref), old, #old)
    end

    -- Where there is no memory for what is larger, the old one stays.
    function zone.swap(operation, key, old, new, ttl)
        local hashed, time = hash(key, #key), now()
        local kind, size = new and STRING or NIL, new and #new or 0
        local expires, err = expiry(time, ttl), "changed"
        lock()
        if holds(look_up(key, hashed), time, old) then
            err = store(operation, key, hashed, kind, new, size, time,
                        expires, 0)
            if err and old then
                store(operation, key, hashed, STRING, old, #old, time,
                      expires, 0)
            end
        end
        unlock()
        return err
    end

    local function start(ref, key, hashed, number, time, expires)
        if ref ~= 0 then
            if fits(ref, 8) then
                overwrite(ref, NUMBER, number, 0, expires)
                return number, nil, false
            end
            entries.remove(ref)
        end
        local err, forced = insert(key, hashed, NUMBER, number, 8, time,
                                   expires, 0, false)
        return number, err, forced
    end

    local function incr(key, hashed, by, init, time, expires)
        drop_expired(time)
        local ref = look_up(key, hashed)
        if ref ~= 0 and not is_expired(ref, time) then
            if words[2 * ref + TYPE] ~= NUMBER then
                return nil, "not a number", false
            end
            local at = value_at(ref)
            local number = doubles[at] + by
            doubles[at] = number
            return number, nil, false
        end
        if not init then
            return nil, "not found", false
        end
        return start(ref, key, hashed, by + init, time, expires)
    end

    function zone.incr(key, by, init, ttl)
        local hashed, time = hash(key, #key), now()
        local expires = expiry(time, ttl)
        lock()
        local number, err, forced = incr(key, hashed, by, init, time, expires)
        unlock()
        return number, err, forced
    end
end


local function add_expiring(zone, parts)
    local memory = parts.memory
    local doubles, find, hash = memory.doubles, parts.index.find, parts.hash
    local lock, unlock = memory.lock, memory.unlock

    function zone.ttl(key)
        local hashed, time = hash(key, #key), now()
        local left
        lock()
        local ref = find(key, #key, hashed)
        if ref ~= 0 then
            local expires = doubles[ref + EXPIRES]
            left = expires ~= 0 and expires - time or 0
        end
        unlock()
        return left
    end

    function zone.expire(key, ttl)
        local hashed, expires = hash(key, #key), expiry(now(), ttl)
        lock()
        local ref = find(key, #key, hashed)
        if ref ~= 0 then
            doubles[ref + EXPIRES] = expires
        end
        unlock()
        return ref ~= 0
    end
end


function _M.add(zone, parts)
    add_reading(zone, parts)
    add_writing(zone, parts)
    add_expiring(zone, parts)
end


return _M
