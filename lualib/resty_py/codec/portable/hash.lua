-- Digests by the host; see codec/hash.lua and resty_py/host/digest.py.

local digest = require "resty_py.native".digest

return {
    md5 = digest.md5,
    md5_bin = digest.md5_bin,
    sha1_bin = digest.sha1_bin,
    hmac_sha1 = digest.hmac_sha1,
    crc32_short = digest.crc32,
    crc32_long = digest.crc32,
}
