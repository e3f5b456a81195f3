-- Shared dictionaries by FFI, straight on their memory: the fast half of
-- resty_py.shm (see zone.lua there for the interface). Follows
-- resty_py/shm/zone.py, its twin.

local entries_of = require "resty_py.shm.ffi.entries"
local index_of = require "resty_py.shm.ffi.index"
local list_values = require "resty_py.shm.ffi.list_values"
local lists_of = require "resty_py.shm.ffi.lists"
local memories = require "resty_py.shm.ffi.memory"
local slab_of = require "resty_py.shm.ffi.slab"
local sweeps = require "resty_py.shm.ffi.sweeps"
local values = require "resty_py.shm.ffi.values"

local _M = {}


-- What the operations stand on.
local function new_parts(address, hash_address, repair)
    local memory = memories.open(address, hash_address, repair)
    local slab = slab_of.new(memory)
    local index = index_of.new(memory)
    local entries = entries_of.new(memory, slab, index)
    local lists = lists_of.new(memory, slab, entries)
    local find, touch, hash = index.find, index.touch, memory.hash

    -- The entry of a key, used by that, or 0; and its hash.
    local function look_up(key, hashed)
        local ref = find(key, #key, hashed)
        if ref ~= 0 then
            touch(ref)
        end
        return ref
    end

    return {memory = memory, slab = slab, index = index, entries = entries,
            lists = lists, hash = hash, look_up = look_up}
end


-- Opens a zone.
--   address        of its memory
--   hash_address   of the function that hashes keys
--   repair         rebuilds it; called with the mutex taken
function _M.open(address, hash_address, repair)
    local parts = new_parts(address, hash_address, repair)
    local zone = {}
    values.add(zone, parts)
    list_values.add(zone, parts)
    sweeps.add(zone, parts)
    return zone
end


return _M
