-- Networks, and the addresses in them.
--
--   compile(given)    f(binary): whether an address is in it
--   prefix(binary, bits)   what addresses with these first bits have in common
--   unmapped(binary)  an IPv4 address without the clothes of IPv6
--
-- given: {network, bits}, the network's address as bytes and how many of its
-- bits count, or {source = "all" | "unix:"}. Addresses are 4 or 16 bytes; those
-- of Unix sockets are anything else.

local byte = string.byte
local char = string.char
local floor = math.floor
local sub = string.sub

-- What clothes of IPv6 begin with.
local MAPPED = "\0\0\0\0\0\0\0\0\0\0\255\255"

local _M = {}


function _M.prefix(binary, bits)
    local whole, rest = floor(bits / 8), bits % 8
    if rest == 0 then
        return sub(binary, 1, whole)
    end
    return sub(binary, 1, whole)
        .. char(floor(byte(binary, whole + 1) / 2 ^ (8 - rest)))
end


local prefix = _M.prefix


local function is_anyone()
    return true
end


local function is_unix(address)
    return #address ~= 4 and #address ~= 16
end


local FIXED = {all = is_anyone, ["unix:"] = is_unix}


function _M.compile(given)
    if FIXED[given.source] then
        return FIXED[given.source]
    end
    local size, bits = #given.network, given.bits
    local wanted = prefix(given.network, bits)
    return function(address)
        return #address == size and prefix(address, bits) == wanted
    end
end


function _M.unmapped(address)
    if #address == 16 and sub(address, 1, 12) == MAPPED then
        return sub(address, 13)
    end
    return address
end


return _M
