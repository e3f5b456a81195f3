-- Percent-encoding: ngx.escape_uri and ngx.unescape_uri.
--
--   escape(s, kind)  string; kind 0..6 says for which part of a URI, see
--                    uri_classes.lua; default 2, a component
--   unescape(s)      string; "%XX" becomes a byte, "+" a space, a "%" without
--                    two hex digits stays (ngx_http_lua_unescape_uri)

return require "resty_py.codec.twin" "uri"
