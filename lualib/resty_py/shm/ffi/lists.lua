-- Lists of a zone: their nodes, as resty_py/shm/entries.py keeps them.
--
--   new(memory, slab, entries)   lists; the caller holds the mutex:
--     push(ref, kind, value, size, left)   the length then | 0: no memory
--     first(ref, left)                     the node that a pop takes
--     drop(ref, node, left)                takes it, and an empty list, away
--     empty(ref)                           an expired list, for a push

local layout = require "resty_py.shm.layout"

local EXPIRES = layout.EXPIRES
local FIRST, LAST, SIZE = layout.FIRST, layout.LAST, layout.SIZE
local NODE_COST, NODE_NEXT = layout.NODE_COST, layout.NODE_NEXT
local NODE_PREVIOUS, NODE_SIZE = layout.NODE_PREVIOUS, layout.NODE_SIZE
local NODE_TYPE = layout.NODE_TYPE
local NODE_VALUE = layout.NODE_VALUE / 8

local _M = {}


function _M.new(memory, slab, entries)
    local words = memory.words
    local lists = {}

    local function link_first(at, node)
        local first = words[at + FIRST]
        words[2 * node + NODE_NEXT] = first
        words[2 * node + NODE_PREVIOUS] = 0
        words[at + FIRST] = node
        if first ~= 0 then
            words[2 * first + NODE_PREVIOUS] = node
        else
            words[at + LAST] = node
        end
    end

    local function link_last(at, node)
        local last = words[at + LAST]
        words[2 * node + NODE_NEXT] = 0
        words[2 * node + NODE_PREVIOUS] = last
        if last ~= 0 then
            words[2 * last + NODE_NEXT] = node
        else
            words[at + FIRST] = node
        end
        words[at + LAST] = node
    end

    function lists.push(ref, kind, value, size, left)
        local node = slab.take(NODE_COST + size)
        if node == 0 then
            return 0
        end
        words[2 * node + NODE_SIZE] = size
        words[2 * node + NODE_TYPE] = kind
        entries.write(node + NODE_VALUE, kind, value)
        local at = 2 * ref
        if left then
            link_first(at, node)
        else
            link_last(at, node)
        end
        words[at + SIZE] = words[at + SIZE] + 1
        return words[at + SIZE]
    end

    function lists.first(ref, left)
        return words[2 * ref + (left and FIRST or LAST)]
    end

    local function unlink_first(at, node)
        local following = words[2 * node + NODE_NEXT]
        words[at + FIRST] = following
        words[2 * following + NODE_PREVIOUS] = 0
    end

    local function unlink_last(at, node)
        local before = words[2 * node + NODE_PREVIOUS]
        words[2 * before + NODE_NEXT] = 0
        words[at + LAST] = before
    end

    function lists.drop(ref, node, left)
        local at = 2 * ref
        if words[at + SIZE] == 1 then
            entries.remove(ref)
            return
        end
        if left then
            unlink_first(at, node)
        else
            unlink_last(at, node)
        end
        words[at + SIZE] = words[at + SIZE] - 1
        slab.give_back(node)
    end

    function lists.empty(ref)
        local at = 2 * ref
        local node = words[at + FIRST]
        words[at + FIRST] = 0
        words[at + LAST] = 0
        words[at + SIZE] = 0
        memory.doubles[ref + EXPIRES] = 0
        entries.free_nodes(node)
    end

    return lists
end


return _M
