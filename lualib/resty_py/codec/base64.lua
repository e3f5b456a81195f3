-- Base64: ngx.encode_base64, ngx.decode_base64, ngx.decode_base64mime and
-- the module ngx.base64.
--
--   encode(s, no_padding)  string
--   decode(s)              string, nil if malformed: a byte outside the
--                          alphabet, or a single digit at the end. What
--                          follows the first "=" does not count
--                          (ngx_decode_base64).
--   decode_mime(s)         the same, but bytes outside the alphabet are
--                          skipped
--   encode_url(s)          string: "-" and "_" for "+" and "/", no padding
--   decode_url(s)          as decode(), for that alphabet

return require "resty_py.codec.twin" "base64"
