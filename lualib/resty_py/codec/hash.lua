-- Digests and checksums.
--
--   md5(s)             string, 32 hex digits
--   md5_bin(s)         string, 16 bytes
--   sha1_bin(s)        string, 20 bytes
--   hmac_sha1(key, s)  string, 20 bytes
--   crc32_short(s)     number 0 .. 2^32 - 1, the CRC-32 of zlib;
--   crc32_long(s)      the same number: nginx has two for their speed alone

return require "resty_py.codec.twin" "hash"
