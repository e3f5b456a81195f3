-- Giving away and taking back pages and slots of a zone: resty_py/shm/slab.py
-- by FFI; see there, and layout.py.
--
--   new(memory)   a slab; the caller holds the mutex:
--     take(size)            the ref of `size` bytes | 0: there are none
--     give_back(ref)
--     set_live(ref), clear_live(ref)   whether the slot is an entry

local bit = require "bit"
local layout = require "resty_py.shm.layout"

local band = bit.band
local bnot = bit.bnot
local bor = bit.bor
local ceil = math.ceil
local lshift = bit.lshift
local max = math.max
local rshift = bit.rshift

local DESCRIPTOR = layout.DESCRIPTOR
local FIRST_PAGE = layout.FIRST_PAGE
local FREE, FREE_TAIL = layout.FREE, layout.FREE_TAIL
local FREE_PAGES = layout.FREE_PAGES
local KIND, NEXT, PREVIOUS = layout.KIND, layout.NEXT, layout.PREVIOUS
local LENGTH, LIVE = layout.LENGTH, layout.LIVE
local SLOT, FRESH, USED = layout.SLOT, layout.FRESH, layout.USED
local MAX_CLASS, MIN_CLASS = layout.MAX_CLASS, layout.MIN_CLASS
local MAX_SLOT, PAGE = layout.MAX_SLOT, layout.PAGE
local PAGE_REFS = layout.PAGE_REFS
local RUN, RUN_TAIL = layout.RUN, layout.RUN_TAIL
local TABLE = layout.TABLE

-- Slots of a page, by class; class by (size - 1) / 8.
local SLOTS, CLASS = {0, 0}, {}


-- A page of small slots is short of those that nginx keeps its map in.
local function count_slots(kind)
    local slots = PAGE / lshift(1, kind)
    if kind < 6 then
        return slots - max(rshift(slots, 3 + kind), 1)
    end
    return slots
end


for kind = MIN_CLASS, MAX_CLASS do
    SLOTS[kind] = count_slots(kind)
end

for i = 0, MAX_SLOT / 8 - 1 do
    local kind = MIN_CLASS
    while lshift(1, kind) <= i * 8 do
        kind = kind + 1
    end
    CLASS[i] = kind
end

local _M = {}


-- What keeps lists of page descriptors.
local function new_lists(words)
    local lists = {}

    function lists.link(head, page)
        local at, before = TABLE + page * DESCRIPTOR, TABLE + head * DESCRIPTOR
        local first = words[before + NEXT]
        words[at + NEXT] = first
        words[at + PREVIOUS] = head
        words[TABLE + first * DESCRIPTOR + PREVIOUS] = page
        words[before + NEXT] = page
    end

    function lists.unlink(page)
        local at = TABLE + page * DESCRIPTOR
        local following, previous = words[at + NEXT], words[at + PREVIOUS]
        words[TABLE + previous * DESCRIPTOR + NEXT] = following
        words[TABLE + following * DESCRIPTOR + PREVIOUS] = previous
    end

    return lists
end


-- What keeps runs of pages.
local function new_runs(words, lists, last_page)
    local link, unlink = lists.link, lists.unlink
    local runs = {}

    local function set_run(page, length)
        local at = TABLE + page * DESCRIPTOR
        local last = at + (length - 1) * DESCRIPTOR
        words[last + KIND] = FREE_TAIL
        words[last + LENGTH] = page
        words[at + LENGTH] = length
        words[at + KIND] = FREE
    end

    -- Lets a free run begin later, at its place in the list.
    local function shorten(page, count, length)
        local at, rest = TABLE + page * DESCRIPTOR, page + count
        local following, previous = words[at + NEXT], words[at + PREVIOUS]
        local new = TABLE + rest * DESCRIPTOR
        words[new + NEXT] = following
        words[new + PREVIOUS] = previous
        words[TABLE + previous * DESCRIPTOR + NEXT] = rest
        words[TABLE + following * DESCRIPTOR + PREVIOUS] = rest
        set_run(rest, length - count)
    end

    -- Takes the free run that begins at a page off the list; its length, or 0.
    local function join(page)
        local at = TABLE + page * DESCRIPTOR
        if page > last_page or words[at + KIND] ~= FREE then
            return 0
        end
        unlink(page)
        words[at + KIND] = FREE_TAIL
        return words[at + LENGTH]
    end

    -- Where the free run begins that ends before a page, or 0.
    local function run_before(page)
        if page == FIRST_PAGE then
            return 0
        end
        local at = TABLE + (page - 1) * DESCRIPTOR
        local kind = words[at + KIND]
        if kind == FREE then
            return page - 1
        end
        return kind == FREE_TAIL and words[at + LENGTH] or 0
    end

    function runs.free(page, length)
        words[FREE_PAGES] = words[FREE_PAGES] + length
        local at = TABLE + page * DESCRIPTOR
        for other = 0, length - 1 do
            words[at + other * DESCRIPTOR + KIND] = FREE_TAIL
        end
        length = length + join(page + length)
        local before = run_before(page)
        if before ~= 0 then
            length = length + join(before)
            page = before
        end
        set_run(page, length)
        link(0, page)
    end

    function runs.take(count)
        local page = words[TABLE + NEXT]
        while page ~= 0 do
            local length = words[TABLE + page * DESCRIPTOR + LENGTH]
            if length > count then
                shorten(page, count, length)
                break
            elseif length == count then
                unlink(page)
                break
            end
            page = words[TABLE + page * DESCRIPTOR + NEXT]
        end
        if page ~= 0 then
            words[FREE_PAGES] = words[FREE_PAGES] - count
        end
        return page
    end

    return runs
end


function _M.new(memory)
    local words = memory.words
    local data = words[layout.DATA]
    local lists = new_lists(words)
    local link, unlink = lists.link, lists.unlink
    local runs = new_runs(words, lists, FIRST_PAGE + words[layout.PAGES] - 1)
    local slab = {}

    local function ref_of(page)
        return data + (page - FIRST_PAGE) * PAGE_REFS
    end

    local function descriptor(ref)
        return TABLE + (rshift(ref - data, 9) + FIRST_PAGE) * DESCRIPTOR
    end

    local function open_page(kind)
        local page = runs.take(1)
        if page ~= 0 then
            local at = TABLE + page * DESCRIPTOR
            words[at + SLOT] = 0
            words[at + FRESH] = 0
            words[at + USED] = 0
            words[at + LIVE] = 0
            words[at + KIND] = kind
            link(kind, page)
        end
        return page
    end

    local function take_slot(kind)
        local page = words[TABLE + kind * DESCRIPTOR + NEXT]
        if page == kind then
            page = open_page(kind)
            if page == 0 then
                return 0
            end
        end
        local at = TABLE + page * DESCRIPTOR
        local ref = words[at + SLOT]
        if ref ~= 0 then
            words[at + SLOT] = words[2 * ref]
        else
            local fresh = words[at + FRESH]
            words[at + FRESH] = fresh + 1
            ref = ref_of(page) + lshift(fresh, kind - 3)
        end
        local used = words[at + USED] + 1
        words[at + USED] = used
        if used == SLOTS[kind] then
            unlink(page)
        end
        return ref
    end

    local function take_run(count)
        local page = runs.take(count)
        if page == 0 then
            return 0
        end
        local at = TABLE + page * DESCRIPTOR
        words[at + LIVE] = 0
        words[at + LENGTH] = count
        words[at + KIND] = RUN
        for other = 1, count - 1 do
            words[at + other * DESCRIPTOR + KIND] = RUN_TAIL
        end
        return ref_of(page)
    end

    function slab.take(size)
        if size > MAX_SLOT then
            return take_run(ceil(size / PAGE))
        end
        return take_slot(CLASS[rshift(size - 1, 3)])
    end

    function slab.give_back(ref)
        local at = descriptor(ref)
        local page = rshift(at - TABLE, 3)
        local kind = words[at + KIND]
        if kind == RUN then
            runs.free(page, words[at + LENGTH])
            return
        end
        words[2 * ref] = words[at + SLOT]
        words[at + SLOT] = ref
        local used = words[at + USED]
        if used == SLOTS[kind] then
            link(kind, page)
        end
        words[at + USED] = used - 1
        if used == 1 then
            unlink(page)
            runs.free(page, 1)
        end
    end

    -- The bit of a slot. The class of a run is 12: its one slot has bit 0.
    local function live_bit(ref, at)
        return lshift(1, rshift(band(ref - data, PAGE_REFS - 1),
                                words[at + KIND] - 3))
    end

    function slab.set_live(ref)
        local at = descriptor(ref)
        words[at + LIVE] = bor(words[at + LIVE], live_bit(ref, at))
    end

    function slab.clear_live(ref)
        local at = descriptor(ref)
        words[at + LIVE] = band(words[at + LIVE], bnot(live_bit(ref, at)))
    end

    return slab
end


return _M
