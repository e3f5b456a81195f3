-- Operations on lists of a zone, by FFI; see values.lua for the buffer.
--
--   add(zone, parts)   puts push, pop and llen into `zone`

local bit = require "bit"
local buffer = require "resty_py.shm.ffi.buffer"
local layout = require "resty_py.shm.layout"
local memories = require "resty_py.shm.ffi.memory"
local size_of = require "resty_py.shm.ffi.size_of"
local time_of = require "resty_py.shm.time"

local band = bit.band
local copy = memories.copy
local grow = buffer.grow
local take = buffer.take
local now = time_of.now

local ENTRY_COST, LIST_COST = layout.ENTRY_COST, layout.LIST_COST
local EXPIRES, FIRST, FLAGS = layout.EXPIRES, layout.FIRST, layout.FLAGS
local LAST, LIST, MAX_VALUE = layout.LAST, layout.LIST, layout.MAX_VALUE
local NIL, NUMBER, STRING = layout.NIL, layout.NUMBER, layout.STRING
local NODE_SIZE, NODE_TYPE = layout.NODE_SIZE, layout.NODE_TYPE
local NODE_VALUE = layout.NODE_VALUE / 8
local SIZE, TYPE = layout.SIZE, layout.TYPE

local _M = {}


function _M.add(zone, parts)
    local memory, entries, lists = parts.memory, parts.entries, parts.lists
    local look_up, hash = parts.look_up, parts.hash
    local words, doubles, base = memory.words, memory.doubles, memory.base
    local lock, unlock = memory.lock, memory.unlock

    -- A new list that has no values | 0
    local function make(key, hashed, time)
        local cost = ENTRY_COST + #key + LIST_COST
        cost = cost + band(-cost, 7)
        local ref = entries.make(key, #key, hashed, cost, time, true)
        if ref ~= 0 then
            doubles[ref + EXPIRES] = 0
            words[2 * ref + FLAGS] = 0
            words[2 * ref + SIZE] = 0
            words[2 * ref + FIRST] = 0
            words[2 * ref + LAST] = 0
            words[2 * ref + TYPE] = LIST
            entries.publish(ref)
        end
        return ref
    end

    -- Makes an expired entry an empty list; returns 0 where it is none.
    local function start_over(ref)
        if words[2 * ref + TYPE] == LIST then
            lists.empty(ref)
            return ref
        end
        entries.remove(ref)
        return 0
    end

    local function find_live(key, hashed, time)
        entries.drop_expired(time)
        local ref = look_up(key, hashed)
        return ref, ref ~= 0 and not entries.is_expired(ref, time)
    end

    local function push(key, hashed, kind, value, size, left)
        local time = now()
        local ref, live = find_live(key, hashed, time)
        if ref ~= 0 and not live then
            ref = start_over(ref)
        end
        if ref == 0 then
            ref = make(key, hashed, time)
            if ref == 0 then
                return -1
            end
        end
        if words[2 * ref + TYPE] ~= LIST then
            return nil
        end
        local length = lists.push(ref, kind, value, size, left)
        if length == 0 and words[2 * ref + SIZE] == 0 then
            entries.remove(ref)
        end
        return length
    end

    -- The length | 0, -1: no memory for a node, for the list
    -- | nil: the value is no list
    function zone.push(key, kind, value, left)
        local hashed, size = hash(key, #key), size_of(kind, value)
        if size > MAX_VALUE then
            return 0
        end
        lock()
        local length = push(key, hashed, kind, value, size, left)
        unlock()
        return length
    end

    -- Returns the kind of the value and its size | NIL: there is none
    -- | LIST: the value is no list | -1: the buffer is too small.
    local function pop(key, hashed, left)
        local ref, live = find_live(key, hashed, now())
        if not live then
            return NIL, 0
        elseif words[2 * ref + TYPE] ~= LIST then
            return LIST, 0
        end
        local node = lists.first(ref, left)
        local size = words[2 * node + NODE_SIZE]
        if size > buffer.room then
            return -1, size
        end
        local kind = words[2 * node + NODE_TYPE]
        local number = doubles[node + NODE_VALUE]
        copy(buffer.base, base + 8 * (node + NODE_VALUE), size)
        lists.drop(ref, node, left)
        return kind, size, number
    end

    -- The value | nil; whether it is no list
    function zone.pop(key, left)
        local hashed = hash(key, #key)
        lock()
        local kind, size, number = pop(key, hashed, left)
        unlock()
        if kind == -1 then
            grow(size)
            return zone.pop(key, left)
        elseif kind == STRING then
            return take(size), false
        end
        return kind == NUMBER and number or nil, kind == LIST
    end

    -- The length | nil: the value is no list
    function zone.llen(key)
        local hashed = hash(key, #key)
        local length = 0
        lock()
        local ref, live = find_live(key, hashed, now())
        if live then
            length = words[2 * ref + TYPE] == LIST and words[2 * ref + SIZE]
                or nil
        end
        unlock()
        return length
    end
end


return _M
