-- Digests by libcrypto and checksums by zlib, the host where they are out of
-- reach; see codec/hash.lua.
--
-- Each function is compared with the host's before it is used: a libcrypto in
-- FIPS mode may refuse a digest, and a symbol found by name alone may be
-- another's.
--
-- C names are private aliases, so that a library's own `ffi.cdef` of MD5 or
-- SHA1 (lua-resty-string's, for one) cannot clash with them.

local bit = require "bit"
local ffi = require "ffi"
local host = require "resty_py.codec.portable.hash"
local library = require "resty_py.codec.ffi.library"

local assert = assert
local bswap, tohex = bit.bswap, bit.tohex
local cast = ffi.cast
local ffi_string = ffi.string
local pairs = pairs
local pcall = pcall
local tonumber = tonumber

local MD5_SIZE, SHA1_SIZE = 16, 20
local WORDS = ffi.typeof("int32_t *")

ffi.cdef [[
typedef struct { uint64_t words[32]; } resty_py_sha1_state;

void *resty_py_md5(const char *, size_t, uint8_t *) __asm__("MD5");
int resty_py_sha1_init(resty_py_sha1_state *) __asm__("SHA1_Init");
int resty_py_sha1_update(resty_py_sha1_state *, const char *, size_t)
    __asm__("SHA1_Update");
int resty_py_sha1_final(uint8_t *, resty_py_sha1_state *)
    __asm__("SHA1_Final");
void *resty_py_hmac(const void *, const char *, int, const char *, size_t,
                    uint8_t *, unsigned int *) __asm__("HMAC");
const void *resty_py_evp_sha1(void) __asm__("EVP_sha1");
unsigned long resty_py_crc32(unsigned long, const char *, unsigned int)
    __asm__("crc32");
]]


-- Four bytes of a digest in hex; all platforms of LuaJIT but one are little
-- endian.
local function hex(word)
    return tohex(ffi.abi("le") and bswap(word) or word)
end


local function digests()
    local crypto = library("_hashlib")
    local digest = ffi.new("uint8_t[?]", SHA1_SIZE)
    local words = cast(WORDS, digest)
    local state = ffi.new("resty_py_sha1_state")
    local sha1 = crypto.resty_py_evp_sha1()
    local md5, hmac = crypto.resty_py_md5, crypto.resty_py_hmac
    local init = crypto.resty_py_sha1_init
    local update = crypto.resty_py_sha1_update
    local final = crypto.resty_py_sha1_final
    local _M = {}

    function _M.md5(s)
        md5(s, #s, digest)
        return hex(words[0]) .. hex(words[1]) .. hex(words[2]) .. hex(words[3])
    end

    function _M.md5_bin(s)
        md5(s, #s, digest)
        return ffi_string(digest, MD5_SIZE)
    end

    function _M.sha1_bin(s)
        init(state)
        update(state, s, #s)
        final(digest, state)
        return ffi_string(digest, SHA1_SIZE)
    end

    function _M.hmac_sha1(key, s)
        hmac(sha1, key, #key, s, #s, digest, nil)
        return ffi_string(digest, SHA1_SIZE)
    end

    assert(_M.md5("") == host.md5(""))
    assert(_M.sha1_bin("") == host.sha1_bin(""))
    assert(_M.hmac_sha1("", "") == host.hmac_sha1("", ""))
    return _M
end


local function checksums()
    local crc32 = library("zlib").resty_py_crc32

    local function checksum(s)
        return tonumber(crc32(0, s, #s))
    end

    assert(checksum("a") == host.crc32_long("a"))
    return {crc32_short = checksum, crc32_long = checksum}
end


local _M = {}


-- Takes the functions that make() returns, the host's if it fails.
local function take(names, make)
    local made, functions = pcall(make)
    for _, name in pairs(names) do
        _M[name] = (made and functions or host)[name]
    end
end


take({"md5", "md5_bin", "sha1_bin", "hmac_sha1"}, digests)
take({"crc32_short", "crc32_long"}, checksums)

return _M
