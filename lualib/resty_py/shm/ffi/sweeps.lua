-- Operations on all of a zone, by FFI; see values.lua for the buffer.
--
--   add(zone, parts)   puts flush_all, flush_expired, keys and free_space into
--                      `zone`

local bit = require "bit"
local buffer = require "resty_py.shm.ffi.buffer"
local layout = require "resty_py.shm.layout"
local memories = require "resty_py.shm.ffi.memory"
local time_of = require "resty_py.shm.time"

local band = bit.band
local copy = memories.copy
local grow = buffer.grow
local take = buffer.take
local now = time_of.now

local EXPIRES, FREE_PAGES = layout.EXPIRES, layout.FREE_PAGES
local KEY, KEY_SIZE = layout.KEY, layout.KEY_SIZE
local PAGE = layout.PAGE

local _M = {}


function _M.add(zone, parts)
    local memory, entries, index = parts.memory, parts.entries, parts.index
    local words, doubles, base = memory.words, memory.doubles, memory.base
    local lock, unlock = memory.lock, memory.unlock
    local is_over = entries.is_over

    function zone.flush_all()
        local time = now()
        lock()
        local ref = index.newest()
        while ref ~= 0 do
            doubles[ref + EXPIRES] = 1
            ref = index.older(ref)
        end
        entries.evict(time)
        unlock()
    end

    local function flush_expired(time, most)
        local freed, ref = 0, index.oldest()
        while ref ~= 0 do
            local newer = index.newer(ref)
            if is_over(ref, time) then
                entries.remove(ref)
                freed = freed + 1
                if freed == most then
                    break
                end
            end
            ref = newer
        end
        return freed
    end

    function zone.flush_expired(most)
        local time = now()
        lock()
        local freed = flush_expired(time, most)
        unlock()
        return freed
    end

    -- Puts keys into the buffer, each after its size in two bytes; returns
    -- how many, and the bytes that it takes: too many, and the rest is not
    -- there.
    local function collect(time, most)
        local bytes = buffer.memory
        local count, size, ref = 0, 0, index.oldest()
        while ref ~= 0 do
            if not is_over(ref, time) then
                local length = words[2 * ref + KEY_SIZE]
                if size + 2 + length <= buffer.room then
                    bytes[size] = band(length, 255)
                    bytes[size + 1] = (length - band(length, 255)) / 256
                    copy(buffer.base + size + 2, base + 8 * ref + KEY, length)
                end
                size = size + 2 + length
                count = count + 1
                if count == most then
                    break
                end
            end
            ref = index.newer(ref)
        end
        return count, size
    end

    -- The keys, one after the other, each after its size in two bytes; their
    -- number
    function zone.keys(most)
        local time = now()
        lock()
        local count, size = collect(time, most)
        unlock()
        if size > buffer.room then
            grow(size)
            return zone.keys(most)
        end
        return take(size), count
    end

    function zone.free_space()
        lock()
        local pages = words[FREE_PAGES]
        unlock()
        return pages * PAGE
    end
end


return _M
