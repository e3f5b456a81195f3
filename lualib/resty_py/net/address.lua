-- Socket addresses: raw sockaddr bytes to text and parts.
--
--   parse(sockaddr)   {host = "127.0.0.1", port = 8080, family = 4,
--                     binary = 4 bytes}; {host = "unix:", family = 0}
--   text(sockaddr)    the host alone, remembered

local byte = string.byte
local concat = table.concat
local format = string.format
local setmetatable = setmetatable
local sub = string.sub

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


-- 16 bytes of an IPv6 address to text (RFC 5952).
function _M.ipv6(binary)
    local list = groups(binary)
    local at, size = longest_zero_run(list)
    if not at then
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
