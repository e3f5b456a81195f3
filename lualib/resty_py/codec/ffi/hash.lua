-- Digests by libcrypto and checksums as a loop; see codec/hash.lua.
--
-- libcrypto is the one that Python itself uses: the host names the file whose
-- dependency it is. A Python without such a file (OpenSSL linked into it, or
-- none at all) keeps the host's digests.
--
-- The C names are private aliases, so that a library's own `ffi.cdef` of MD5
-- or SHA1 (lua-resty-string's, for one) cannot clash with them.

local bit = require "bit"
local ffi = require "ffi"
local host = require "resty_py.codec.portable.hash"
local native = require "resty_py.native"

local band, bnot, bxor, rshift = bit.band, bit.bnot, bit.bxor, bit.rshift
local cast = ffi.cast
local ffi_string = ffi.string
local pcall = pcall

local SOURCE = ffi.typeof("const uint8_t *")
local MD5_SIZE, SHA1_SIZE = 16, 20
local HEX_DIGITS = "0123456789abcdef"
local CRC32_POLYNOMIAL = 0xEDB88320

-- From this size on zlib is faster, the way to the host included.
local CRC32_BY_HOST = 256

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
]]


local remainders = ffi.new("int32_t[256]")
for value = 0, 255 do
    local crc = value
    for _ = 1, 8 do
        local carry = band(crc, 1) * CRC32_POLYNOMIAL
        crc = bxor(rshift(crc, 1), carry)
    end
    remainders[value] = crc
end


local function crc32(s)
    local length = #s
    if length >= CRC32_BY_HOST then
        return host.crc32_long(s)
    end
    local source = cast(SOURCE, s)
    local crc = -1
    for i = 0, length - 1 do
        crc = bxor(remainders[band(bxor(crc, source[i]), 255)],
                   rshift(crc, 8))
    end
    return bnot(crc) % 2 ^ 32
end


local pair = ffi.new("uint16_t[256]")
for value = 0, 255 do
    local high, low = rshift(value, 4) + 1, value % 16 + 1
    ffi.copy(pair + value,
             HEX_DIGITS:sub(high, high) .. HEX_DIGITS:sub(low, low), 2)
end


local function digests(crypto)
    local digest = ffi.new("uint8_t[?]", SHA1_SIZE)
    local hex = ffi.new("uint16_t[?]", MD5_SIZE)
    local state = ffi.new("resty_py_sha1_state")
    local sha1 = crypto.resty_py_evp_sha1()
    local md5_of, hmac = crypto.resty_py_md5, crypto.resty_py_hmac
    local sha1_init = crypto.resty_py_sha1_init
    local sha1_update = crypto.resty_py_sha1_update
    local sha1_final = crypto.resty_py_sha1_final
    local _M = {}

    function _M.md5(s)
        md5_of(s, #s, digest)
        for i = 0, MD5_SIZE - 1 do
            hex[i] = pair[digest[i]]
        end
        return ffi_string(hex, 2 * MD5_SIZE)
    end

    function _M.md5_bin(s)
        md5_of(s, #s, digest)
        return ffi_string(digest, MD5_SIZE)
    end

    function _M.sha1_bin(s)
        sha1_init(state)
        sha1_update(state, s, #s)
        sha1_final(digest, state)
        return ffi_string(digest, SHA1_SIZE)
    end

    function _M.hmac_sha1(key, s)
        hmac(sha1, key, #key, s, #s, digest, nil)
        return ffi_string(digest, SHA1_SIZE)
    end

    return _M
end


local function by_libcrypto()
    local path = native.digest.libcrypto()
    return path and digests(ffi.load(path))
end


local loaded, _M = pcall(by_libcrypto)
if not loaded or not _M then
    _M = {
        md5 = host.md5,
        md5_bin = host.md5_bin,
        sha1_bin = host.sha1_bin,
        hmac_sha1 = host.hmac_sha1,
    }
end
_M.crc32_short = crc32
_M.crc32_long = crc32

return _M
