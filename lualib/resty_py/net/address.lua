-- Socket addresses: raw sockaddr bytes to text and parts.
--
--   parse(sockaddr)   {host = "127.0.0.1", port = 8080, family = 4,
--                     binary = 4 bytes}; {host = "unix:", family = 0}
--   text(sockaddr)    the host alone, remembered
--   from_text(text)   sockaddr bytes of "127.0.0.1", "::1", "127.0.0.1:8080" or
--                     "[::1]:8080", or nil
--   from_host(text)   the same without a port
--   with_port(sockaddr, port)   the same address with another port
--
-- Follows ngx_parse_addr_port, ngx_inet_addr and ngx_inet6_addr.

local byte = string.byte
local char = string.char
local concat = table.concat
local find = string.find
local floor = math.floor
local format = string.format
local gmatch = string.gmatch
local match = string.match
local rep = string.rep
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber

local AF_INET, AF_INET6 = 2, 10

local _M = {}


local function family(sockaddr)
    local first, second = byte(sockaddr, 1, 2)
    return first == 0 and second or first
end


local function groups(binary)
    local list = {}
    for i = 1, 16, 2 do
        local high, low = byte(binary, i, i + 1)
        list[(i + 1) / 2] = high * 256 + low
    end
    return list
end


local function longest_zero_run(list)
    local best_at, best = nil, 1
    local i = 1
    while i <= 8 do
        local last = i
        while last <= 8 and list[last] == 0 do
            last = last + 1
        end
        if last - i > best then
            best_at, best = i, last - i
        end
        i = last + 1
    end
    return best_at, best
end


local function hex(list, first, last)
    local parts = {}
    for i = first, last do
        parts[#parts + 1] = format("%x", list[i])
    end
    return concat(parts, ":")
end


-- Whether the last groups are an IPv4 address.
local function ends_with_ipv4(list, at, size)
    return at == 1 and (size == 5 and list[6] == 0xffff or size == 6
        or size == 7 and list[8] > 255 and list[8] % 256 ~= 1)
end


-- 16 bytes of an IPv6 address to text (RFC 5952, ngx_inet6_ntop).
function _M.ipv6(binary)
    local list = groups(binary)
    local at, size = longest_zero_run(list)
    if ends_with_ipv4(list, at, size) then
        return (size == 5 and "::ffff:" or "::")
            .. concat({byte(binary, 13, 16)}, ".")
    elseif not at then
        return hex(list, 1, 8)
    end
    return hex(list, 1, at - 1) .. "::" .. hex(list, at + size, 8)
end


function _M.parse(sockaddr)
    local kind = family(sockaddr)
    if kind ~= AF_INET and kind ~= AF_INET6 then
        return {host = "unix:", port = nil, family = 0, binary = "unix:"}
    end
    local high, low = byte(sockaddr, 3, 4)
    local port = high * 256 + low
    if kind == AF_INET then
        local binary = sub(sockaddr, 5, 8)
        return {host = concat({byte(binary, 1, 4)}, "."), port = port,
                family = 4, binary = binary}
    end
    local binary = sub(sockaddr, 9, 24)
    return {host = _M.ipv6(binary), port = port, family = 6, binary = binary}
end


-- From text ------------------------------------------------------------------


-- What nginx takes for no address: INADDR_NONE.
local NONE = "\255\255\255\255"

local MAX_PORT = 65535

-- Of an IPv6 address, where a gap is at its end.
local MAX_PARTS = 9


-- An octet without digits is 0.
local function octet(digits)
    local number = digits == "" and 0 or tonumber(digits)
    return number <= 255 and char(number) or nil
end


-- Returns 4 bytes, or nil.
local function ipv4_bytes(text)
    local a, b, c, d = match(text, "^(%d*)%.(%d*)%.(%d*)%.(%d*)$")
    if not a then
        return nil
    end
    a, b, c, d = octet(a), octet(b), octet(c), octet(d)
    local bytes = a and b and c and d and a .. b .. c .. d
    return bytes ~= NONE and bytes or nil
end


-- Returns the bytes of one part of an IPv6 address, or nil.
local function part_bytes(part, is_last)
    if match(part, "^%x%x?%x?%x?$") then
        local number = tonumber(part, 16)
        return char(floor(number / 256), number % 256)
    end
    return is_last and ipv4_bytes(part) or nil
end


-- Returns the parts of an address between its colons; one that stands before
-- all others does not count.
local function parts_of(text)
    local parts = {}
    if sub(text, 1, 1) == ":" then
        text = sub(text, 2)
    end
    for part in gmatch(text .. ":", "([^:]*):") do
        parts[#parts + 1] = part
    end
    return parts
end


-- Returns 16 bytes, or nil.
local function ipv6_bytes(text)
    local parts = parts_of(text)
    local bytes, gap = "", nil
    if #parts > MAX_PARTS then
        return nil
    end
    for i = 1, #parts do
        local is_last = i == #parts
        local more = parts[i] ~= "" and part_bytes(parts[i], is_last and i > 1)
        if not more and (parts[i] ~= "" or is_last == not gap) then
            return nil
        elseif not more then
            gap, more = gap or #bytes, is_last and "\0\0" or ""
        end
        bytes = bytes .. more
    end
    local rest = 16 - #bytes
    if gap and rest > 0 then
        return sub(bytes, 1, gap) .. rep("\0", rest) .. sub(bytes, gap + 1)
    end
    return not gap and rest == 0 and bytes or nil
end


local function pack_port(port)
    return char(floor(port / 256), port % 256)
end


function _M.with_port(sockaddr, port)
    return sub(sockaddr, 1, 2) .. pack_port(port) .. sub(sockaddr, 5)
end


local function pack(text, port)
    local ports = pack_port(port)
    local bytes = ipv4_bytes(text)
    if bytes then
        return char(AF_INET, 0) .. ports .. bytes .. rep("\0", 8)
    end
    bytes = find(text, ":", 1, true) and ipv6_bytes(text)
    return bytes and char(AF_INET6, 0) .. ports .. "\0\0\0\0" .. bytes
        .. "\0\0\0\0" or nil
end


function _M.from_host(text)
    return pack(text, 0)
end


function _M.from_text(text)
    local sockaddr = pack(text, 0)
    if sockaddr then
        return sockaddr
    end
    local host, digits = match(text, "^%[([^%]]*)%]:(%d+)$")
    if not host then
        host, digits = match(text, "^([^:%[][^:]*):(%d+)$")
    end
    local port = tonumber(digits or 0)
    return port >= 1 and port <= MAX_PORT and pack(host, port) or nil
end


local texts = setmetatable({}, {__mode = "v"})


function _M.text(sockaddr)
    local parsed = texts[sockaddr]
    if not parsed then
        parsed = _M.parse(sockaddr)
        texts[sockaddr] = parsed
    end
    return parsed.host
end


return _M
