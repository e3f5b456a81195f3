-- The zones of this worker: the memory of its shared dictionaries.
--
--   all()       an array of {name =, capacity =, zone =}: the dictionaries
--   own(name)   a zone of the server's own, whose name begins with a NUL
--   split(text, count)   what keys() of a zone gives, as an array
--
-- Two halves serve the same zones: ffi/ where the flavour has FFI and compiles,
-- host.lua elsewhere, which asks resty_py/shm/zone.py. Keys are strings of 1 to
-- 65535 bytes; times to live are milliseconds, 0 or less for ever; kinds are
-- those of layout.lua. A zone:
--
--   get(key, stale)    kind (NIL: there is none; LIST), value, flags, whether
--                      it has expired; `stale`: that is no reason not to get it
--   store(operation, key, kind, value, ttl, flags)
--                      nil | why not, whether others were evicted; operation:
--                      ADD, REPLACE, SAFE (1, 2, 4), added up
--   swap(operation, key, old, new, ttl)
--                      nil | why not: "changed" where the value is not the
--                      string `old`, "no memory"; nil stands for no entry;
--                      operation: 0 or SAFE
--   incr(key, by, init, ttl)   the number then | nil, why not (err), whether
--                      others were evicted; init: a number or nil
--   ttl(key)           milliseconds left, 0 for ever | nil: there is none
--   expire(key, ttl)   whether there is one
--   push(key, kind, value, left)   the length then | 0 or -1: no memory for
--                      the value or for the list | nil: it is no list
--   pop(key, left)     the value | nil, whether it is no list
--   llen(key)          the length | nil: it is no list
--   flush_all(), flush_expired(most) → how many
--   keys(most)         all keys, each after its size in two bytes; how many
--   free_space()       bytes of free pages

local native = require "resty_py.native"

local byte = string.byte
local pcall = pcall
local require = require
local sub = string.sub

local has_ffi = pcall(require, "ffi")
local compiles = has_ffi and jit.status()
local shm = native.shm

-- The first byte of names that no dictionary has.
local OWN = 0

local _M = {}


local function open(number)
    local _, _, address, hash_address = shm.describe(number)
    if compiles and hash_address then
        local ffi_half = require "resty_py.shm.ffi"
        return ffi_half.open(address, hash_address, function()
            shm.repair(number)
        end)
    end
    return require("resty_py.shm.host").open(number)
end


function _M.all()
    local zones = {}
    for number = 1, shm.count() do
        local name, capacity = shm.describe(number)
        if byte(name) ~= OWN then
            zones[#zones + 1] = {name = name, capacity = capacity,
                                 zone = open(number)}
        end
    end
    return zones
end


function _M.own(name)
    for number = 1, shm.count() do
        if shm.describe(number) == name then
            return open(number)
        end
    end
end


function _M.split(text, count)
    local keys, at = {}, 1
    for i = 1, count do
        local low, high = byte(text, at, at + 1)
        local size = low + 256 * high
        keys[i] = sub(text, at + 2, at + 1 + size)
        at = at + 2 + size
    end
    return keys
end


return _M
