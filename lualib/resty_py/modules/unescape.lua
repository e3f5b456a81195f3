-- Percent-decoding as nginx's own modules do it.
--
--   unescape(s)   string; "%XX" becomes a byte. Of a "%" without two hex
--                 digits nothing is left, nor of a digit behind it and of
--                 what follows that digit
--
-- Follows ngx_unescape_uri with type 0; ngx.unescape_uri differs
-- (codec/uri.lua).

local char = string.char
local concat = table.concat
local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber


-- Returns what stands for the escape at `at`, and where the text goes on.
local function decoded(s, at)
    local first = sub(s, at + 1, at + 1)
    if not find(first, "%x") then
        return first, at + 2
    end
    local digits = match(s, "^%x%x", at + 1)
    return digits and char(tonumber(digits, 16)) or "", at + 3
end


return function(s)
    local at = find(s, "%", 1, true)
    if not at then
        return s
    end
    local pieces, n, from = {}, 0, 1
    while at do
        pieces[n + 1] = sub(s, from, at - 1)
        n = n + 2
        pieces[n], from = decoded(s, at)
        at = find(s, "%", from, true)
    end
    pieces[n + 1] = sub(s, from)
    return concat(pieces)
end
