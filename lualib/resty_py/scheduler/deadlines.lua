-- The deadlines of a worker: one binary heap for sleeps, timers, timeouts.
--
-- A deadline is a table that its owner keeps and re-uses:
--
--   due      when it fires, in clock.mono seconds; FAR while disarmed
--   waiter   what scheduler.wake is given then (see init.lua)
--   at       its key in the heap: never later than `due`
--   rank     its second key: counts what was put into the heap
--   index    its place in the heap, nil while outside
--
-- Rules:
--
-- 1. Arming to a later time than `at` does not touch the heap: the entry
--    comes up at `at`, is seen to be early, and is put back under `due`.
--    Socket timeouts, armed anew at every operation and almost never
--    reached, so cost a comparison.
-- 2. Disarming leaves the entry in the heap until `at`; `drop` takes it out
--    at once, in O(log n), for owners that end.
-- 3. Insert, drop and expire are O(log n); nothing scans the heap.
-- 4. Of equal deadlines the one armed first fires first, as in nginx's tree;
--    one that rule 1 puts back counts as armed then.

local clock = require "resty_py.clock"

local floor = math.floor

local FAR = math.huge

local _M = {FAR = FAR}

local heap = {}
local size = 0
local last_rank = 0


-- Returns a deadline that is not armed.
function _M.new()
    return {due = FAR, at = FAR, rank = 0, index = nil, waiter = nil}
end


-- Whether `one` fires before `other`; both are armed.
function _M.is_earlier(one, other)
    local at, other_at = one.at, other.at
    return at < other_at or at == other_at and one.rank < other.rank
end


local is_earlier = _M.is_earlier


local function sift_up(entry, index)
    while index > 1 do
        local up = floor(index / 2)
        local parent = heap[up]
        if is_earlier(parent, entry) then
            break
        end
        heap[index] = parent
        parent.index = index
        index = up
    end
    heap[index] = entry
    entry.index = index
end


local function earlier_child(index)
    local child = index * 2
    if child < size and is_earlier(heap[child + 1], heap[child]) then
        return child + 1
    end
    return child
end


local function sift_down(entry, index)
    local last_parent = floor(size / 2)
    while index <= last_parent do
        local child = earlier_child(index)
        local other = heap[child]
        if is_earlier(entry, other) then
            break
        end
        heap[index] = other
        other.index = index
        index = child
    end
    heap[index] = entry
    entry.index = index
end


-- Gives `entry` the keys of one armed now.
local function key(entry)
    last_rank = last_rank + 1
    entry.rank = last_rank
    entry.at = entry.due
end


local function insert(entry)
    key(entry)
    size = size + 1
    sift_up(entry, size)
end


local function remove(entry)
    local index = entry.index
    local last = heap[size]
    heap[size] = nil
    size = size - 1
    entry.index = nil
    if last ~= entry then
        if is_earlier(last, entry) then
            sift_up(last, index)
        else
            sift_down(last, index)
        end
    end
end


-- Sets `entry` to wake `waiter` at `due`.
function _M.arm(entry, due, waiter)
    entry.due = due
    entry.waiter = waiter
    if not entry.index then
        insert(entry)
    elseif due < entry.at then
        key(entry)
        sift_up(entry, entry.index)
    end
end


-- Lets `entry` lapse in its own time.
function _M.disarm(entry)
    entry.due = FAR
    entry.waiter = nil
end


-- Takes `entry` out at once.
function _M.drop(entry)
    entry.due = FAR
    entry.waiter = nil
    if entry.index then
        remove(entry)
    end
end


-- Calls fire(entry) for every entry that is due, earliest first.
function _M.expire(fire)
    local now = clock.mono
    local entry = heap[1]
    while entry and entry.at <= now do
        local due = entry.due
        if due == entry.at then
            remove(entry)
            fire(entry)
        elseif due == FAR then
            remove(entry)
        else
            key(entry)
            sift_down(entry, 1)
        end
        entry = heap[1]
    end
end


-- When to look again, in clock.mono seconds; FAR when nothing is armed.
function _M.next()
    local entry = heap[1]
    return entry and entry.at or FAR
end


-- How many entries the heap holds, lapsed ones included.
function _M.count()
    return size
end


return _M
