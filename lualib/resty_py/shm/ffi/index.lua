-- Finding entries, by hash buckets and the LRU queue: resty_py/shm/index.py by
-- FFI.
--
--   new(memory)   an index; the caller holds the mutex:
--     find(key, size, hash)   the entry of a key of that size | 0
--     oldest(), newest()      the ends of the queue | 0
--     newer(ref), older(ref)  the next in the queue | 0
--     add(ref), remove(ref)   as the one that was used last
--     touch(ref)              lets it be the one that was used last

local bit = require "bit"
local layout = require "resty_py.shm.layout"
local memory_functions = require "resty_py.shm.ffi.memory"

local band = bit.band
local equal = memory_functions.equal

local CHAIN, COUNT = layout.CHAIN, layout.COUNT
local HASH, KEY, KEY_SIZE = layout.HASH, layout.KEY, layout.KEY_SIZE
local NEWER, OLDER = layout.NEWER, layout.OLDER
local QUEUE = layout.QUEUE
local HEAD = 2 * QUEUE

local _M = {}


-- The functions that keep the queue.
local function add_queue(index, words)
    local function enqueue(ref)
        local older, at = words[HEAD + OLDER], 2 * ref
        words[at + OLDER] = older
        words[at + NEWER] = QUEUE
        words[2 * older + NEWER] = ref
        words[HEAD + OLDER] = ref
    end

    local function dequeue(ref)
        local newer, older = words[2 * ref + NEWER], words[2 * ref + OLDER]
        words[2 * newer + OLDER] = older
        words[2 * older + NEWER] = newer
    end

    index.enqueue, index.dequeue = enqueue, dequeue

    function index.touch(ref)
        dequeue(ref)
        enqueue(ref)
    end

    local function stepper(way)
        return function(ref)
            local following = words[2 * ref + way]
            return following == QUEUE and 0 or following
        end
    end

    index.newer, index.older = stepper(NEWER), stepper(OLDER)

    function index.oldest()
        return index.newer(QUEUE)
    end

    function index.newest()
        return index.older(QUEUE)
    end
end


function _M.new(memory)
    local words, base = memory.words, memory.base
    local buckets, mask = words[layout.BUCKETS], words[layout.MASK]
    local index = {}
    add_queue(index, words)
    local enqueue, dequeue = index.enqueue, index.dequeue

    local function is_of(ref, key, size, hash)
        return words[2 * ref + HASH] == hash
            and words[2 * ref + KEY_SIZE] == size
            and equal(base + 8 * ref + KEY, key, size)
    end

    local function find_after(ref, key, size, hash)
        repeat
            ref = words[2 * ref + CHAIN]
        until ref == 0 or is_of(ref, key, size, hash)
        return ref
    end

    -- The first of a bucket is looked at apart: a loop would split traces.
    function index.find(key, size, hash)
        local ref = words[buckets + band(hash, mask)]
        if ref == 0 or is_of(ref, key, size, hash) then
            return ref
        end
        return find_after(ref, key, size, hash)
    end

    function index.add(ref)
        local bucket = buckets + band(words[2 * ref + HASH], mask)
        words[2 * ref + CHAIN] = words[bucket]
        words[bucket] = ref
        enqueue(ref)
        words[COUNT] = words[COUNT] + 1
    end

    local function unchain(holder, ref)
        while words[holder] ~= ref do
            holder = 2 * words[holder] + CHAIN
        end
        words[holder] = words[2 * ref + CHAIN]
    end

    function index.remove(ref)
        local bucket = buckets + band(words[2 * ref + HASH], mask)
        if words[bucket] == ref then
            words[bucket] = words[2 * ref + CHAIN]
        else
            unchain(bucket, ref)
        end
        dequeue(ref)
        words[COUNT] = words[COUNT] - 1
    end

    return index
end


return _M
