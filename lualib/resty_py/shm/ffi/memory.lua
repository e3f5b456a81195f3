-- The memory of a zone, and what reaches it: C functions and the mutex.
--
--   open(address, hash_address, repair)   a memory:
--     words, doubles, octets   the mapping as int32_t *, double *, uint8_t *
--     base                     its address, a number
--     hash(key, size)          the hash of a key, a signed word
--     lock(), unlock()         take and give back the mutex
--   equal(address, text, size), copy_in(address, text, size),
--   copy(to, from, size)     on addresses that are numbers
--
-- Between lock and unlock nothing may be allocated: the collector could run
-- somebody's finalizer, which could come here. So addresses are passed as
-- numbers: pointers would be objects, at least in the interpreter.

local ffi = require "ffi"
local layout = require "resty_py.shm.layout"

local C = ffi.C
local cast = ffi.cast
local error = error
local tonumber = tonumber

ffi.cdef [[
int resty_py_shm_trylock(void *) __asm__("pthread_mutex_trylock");
int resty_py_shm_lock(void *) __asm__("pthread_mutex_lock");
int resty_py_shm_unlock(void *) __asm__("pthread_mutex_unlock");
int resty_py_shm_consistent(void *) __asm__("pthread_mutex_consistent");
int resty_py_shm_compare(intptr_t, const char *, size_t) __asm__("memcmp");
void resty_py_shm_copy_in(intptr_t, const char *, size_t) __asm__("memcpy");
void resty_py_shm_copy(intptr_t, intptr_t, size_t) __asm__("memcpy");
typedef int (*resty_py_shm_hash)(const char *, intptr_t);
]]

-- What is hashed to find out whether another process hashes alike.
local PROBE = "resty_py.shm"

-- Linux numbers.
local EBUSY, EDEADLK, EOWNERDEAD = 16, 35, 130

-- How often to try before waiting in the kernel: an operation takes about as
-- long as a few tries.
local SPINS = 200

local trylock = C.resty_py_shm_trylock
local copy = C.resty_py_shm_copy
local copy_in = C.resty_py_shm_copy_in

local _M = {copy = copy, copy_in = copy_in}


function _M.equal(address, text, size)
    return C.resty_py_shm_compare(address, text, size) == 0
end


-- Takes the mutex where the first try did not: `code` is its answer.
local function wait(mutex, code, repair)
    local tries = 1
    while code == EBUSY and tries < SPINS do
        code = trylock(mutex)
        tries = tries + 1
    end
    if code == EBUSY then
        code = C.resty_py_shm_lock(mutex)
    end
    -- EDEADLK: an operation of ours was broken off, or a repair: an error in a
    -- hook, no memory.
    if code == EOWNERDEAD or code == EDEADLK then
        repair()
        C.resty_py_shm_consistent(mutex)
    elseif code ~= 0 then
        error("cannot lock a shared dictionary: error " .. code, 0)
    end
end


-- Whether it is a zone whose keys were hashed as this process does.
local function is_ours(memory)
    local words = memory.words
    return words[layout.MAGIC] == layout.MAGIC_NUMBER
        and words[layout.VERSION] == layout.VERSION_NUMBER
        and words[layout.HASH_CHECK] == memory.hash(PROBE, #PROBE)
end


function _M.open(address, hash_address, repair)
    local pointer = cast("uint8_t *", cast("uintptr_t", address))
    local mutex = cast("void *", pointer)
    local memory = {
        words = cast("int32_t *", pointer),
        doubles = cast("double *", pointer),
        octets = pointer,
        base = tonumber(address),
        hash = cast("resty_py_shm_hash", cast("uintptr_t", hash_address)),
    }

    if not is_ours(memory) then
        error("the memory is no zone of this process", 0)
    end

    function memory.lock()
        local code = trylock(mutex)
        if code ~= 0 then
            wait(mutex, code, repair)
        end
    end

    function memory.unlock()
        C.resty_py_shm_unlock(mutex)
    end

    return memory
end


return _M
