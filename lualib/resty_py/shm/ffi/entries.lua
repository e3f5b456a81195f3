-- The entries of a zone: resty_py/shm/entries.py by FFI; see there for the
-- order of stores.
--
--   new(memory, slab, index)   entries, each called by its ref; the caller
--                              holds the mutex:
--     value_at(ref)            the ref of its value
--     make(key, size, hash, cost, now, safe)
--                              a new one with that key, or 0; whether others
--                              were evicted
--     write(at, kind, value)   writes a value that is not nil at a ref
--     publish(ref), overwrite(ref, kind, value, flags, expires), remove(ref)
--     is_expired(ref, now)     for a look-up
--     is_over(ref, now)        for a sweep, a moment sooner
--     drop_expired(now)        up to two of the oldest
--     evict(now)               the oldest, and up to two; whether there was one

local layout = require "resty_py.shm.layout"
local memory_functions = require "resty_py.shm.ffi.memory"

local bit = require "bit"

local copy = memory_functions.copy
local copy_in = memory_functions.copy_in
local rshift = bit.rshift

local BOOLEAN, NUMBER, STRING = layout.BOOLEAN, layout.NUMBER, layout.STRING
local EVICTIONS = layout.EVICTIONS
local EXPIRES, FIRST, FLAGS = layout.EXPIRES, layout.FIRST, layout.FLAGS
local HASH, KEY, KEY_SIZE = layout.HASH, layout.KEY, layout.KEY_SIZE
local LIST, TORN, TYPE = layout.LIST, layout.TORN, layout.TYPE
local NODE_NEXT = layout.NODE_NEXT

local _M = {}


-- The functions that write values.
local function add_writing(entries, memory)
    local words, doubles, base = memory.words, memory.doubles, memory.base

    local function value_at(ref)
        return ref + rshift(words[2 * ref + KEY_SIZE] + KEY + 7, 3)
    end

    local function write(at, kind, value)
        if kind == STRING then
            copy_in(base + 8 * at, value, #value)
        elseif kind == NUMBER then
            doubles[at] = value
        elseif kind == BOOLEAN then
            memory.octets[8 * at] = value and 1 or 0
        end
    end

    entries.value_at, entries.write = value_at, write

    -- The compiler drops a store that a later one makes useless, but for a
    -- call between them: that of nothing is for the mark.
    function entries.overwrite(ref, kind, value, flags, expires)
        if kind == STRING or words[2 * ref + TYPE] ~= kind then
            words[2 * ref + TYPE] = TORN
            copy(base, base, 0)
        end
        doubles[ref + EXPIRES] = expires
        words[2 * ref + FLAGS] = flags
        write(value_at(ref), kind, value)
        words[2 * ref + TYPE] = kind
    end
end


-- The functions that remove entries.
local function add_removing(entries, memory, slab, index)
    local words = memory.words

    function entries.free_nodes(node)
        while node ~= 0 do
            local following = words[2 * node + NODE_NEXT]
            slab.give_back(node)
            node = following
        end
    end

    function entries.remove(ref)
        slab.clear_live(ref)
        if words[2 * ref + TYPE] == LIST then
            entries.free_nodes(words[2 * ref + FIRST])
        end
        index.remove(ref)
        slab.give_back(ref)
    end
end


-- The functions that look at the time.
local function add_expiring(entries, memory, index)
    local doubles = memory.doubles
    local oldest, remove = index.oldest, entries.remove

    function entries.is_expired(ref, now)
        local expires = doubles[ref + EXPIRES]
        return expires ~= 0 and expires < now
    end

    local function is_over(ref, now)
        local expires = doubles[ref + EXPIRES]
        return expires ~= 0 and expires <= now
    end

    entries.is_over = is_over

    -- The head of the queue never expires: its double is 0.
    local function drop_one(now)
        local ref = oldest()
        if ref == 0 or not is_over(ref, now) then
            return false
        end
        remove(ref)
        return true
    end

    function entries.drop_expired(now)
        if drop_one(now) then
            drop_one(now)
        end
    end

    function entries.evict(now)
        local ref = oldest()
        if ref == 0 then
            return false
        end
        remove(ref)
        entries.drop_expired(now)
        return true
    end
end


function _M.new(memory, slab, index)
    local words, base = memory.words, memory.base
    local take = slab.take
    local entries = {}
    add_writing(entries, memory)
    add_removing(entries, memory, slab, index)
    add_expiring(entries, memory, index)

    local function take_by_force(cost, now)
        local forced = false
        for _ = 1, EVICTIONS do
            if not entries.evict(now) then
                break
            end
            forced = true
            local ref = take(cost)
            if ref ~= 0 then
                return ref, forced
            end
        end
        return 0, forced
    end

    function entries.make(key, size, hash, cost, now, safe)
        local ref, forced = take(cost), false
        if ref == 0 and not safe then
            ref, forced = take_by_force(cost, now)
        end
        if ref ~= 0 then
            words[2 * ref + HASH] = hash
            words[2 * ref + KEY_SIZE] = size
            copy_in(base + 8 * ref + KEY, key, size)
        end
        return ref, forced
    end

    function entries.publish(ref)
        index.add(ref)
        slab.set_live(ref)
    end

    return entries
end


return _M
