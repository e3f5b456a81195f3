-- Networks, and the addresses in them.
--
--   compile(given)    f(binary): whether an address is in it
--   unmapped(binary)  an IPv4 address without the clothes of IPv6
--   MAPPED            what those are: the first bytes of the address
--
-- given: {network, bits}, the network's address as bytes and how many of its
-- bits count, or {source = "all" | "unix:"}. Addresses are 4 or 16 bytes; those
-- of Unix sockets are anything else.

local byte = string.byte
local floor = math.floor
local sub = string.sub

local MAPPED = "\0\0\0\0\0\0\0\0\0\0\255\255"

local _M = {MAPPED = MAPPED}


-- Whether the first `bits` bits of two addresses are the same.
local function shares(address, network, bits)
    local whole = floor(bits / 8)
    if sub(address, 1, whole) ~= sub(network, 1, whole) then
        return false
    end
    local rest = bits % 8
    if rest == 0 then
        return true
    end
    local unit = 2 ^ (8 - rest)
    return floor(byte(address, whole + 1) / unit)
        == floor(byte(network, whole + 1) / unit)
end


local function is_anyone()
    return true
end


local function is_unix(address)
    return #address ~= 4 and #address ~= 16
end


local FIXED = {all = is_anyone, ["unix:"] = is_unix}


function _M.compile(given)
    local network, bits = given.network, given.bits
    return FIXED[given.source] or function(address)
        return #address == #network and shares(address, network, bits)
    end
end


function _M.unmapped(address)
    if #address == 16 and sub(address, 1, 12) == MAPPED then
        return sub(address, 13)
    end
    return address
end


return _M
