-- Percent-encoding: ngx.escape_uri and ngx.unescape_uri.
--
--   escape(s, kind)       string; kind 0..6 says for which part of a URI, see
--                         uri_classes.lua; default 2, a component
--   escape_many(s, kind)  the same, for callers that loop over strings
--   unescape(s)           string; "%XX" becomes a byte, "+" a space, a "%"
--                         without two hex digits stays
--                         (ngx_http_lua_unescape_uri)

local escaping = require "resty_py.codec.twin" "escaping"

local char = string.char
local find = string.find
local format = string.format
local gsub = string.gsub
local lower = string.lower
local sub = string.sub

local _M = {
    escape = escaping.escape,
    escape_many = escaping.escape_many,
}

local bytes = {}  -- two hex digits, in any case of letters -> byte
for value = 0, 255 do
    local digits = format("%02X", value)
    local high, low = sub(digits, 1, 1), sub(digits, 2)
    for _, spelling in ipairs {digits, lower(digits), high .. lower(low),
                               lower(high) .. low} do
        bytes[spelling] = char(value)
    end
end


function _M.unescape(s)
    if find(s, "+", 1, true) then
        s = gsub(s, "%+", " ")
    end
    if find(s, "%", 1, true) then
        s = gsub(s, "%%(%x%x)", bytes)
    end
    return s
end


return _M
