-- What a cosocket may connect to: an address, a name or a path.
--
--   parse(host, port)   {kind = "unix", path = …}
--                       | {kind = "address", family = 4 | 6, address, port,
--                          text = "127.0.0.1:80"}
--                       | {kind = "name", name, port}
--                       | nil, err
--   parse_url(host, port)   the same; an error without what was given
--   is_ipv4(text), is_ipv6(text)   whether it is a numeric address
--
-- A port within the host wins over the other one.
--
-- Follows ngx_parse_url and ngx_inet6_addr (ngx_inet.c).

local find = string.find
local format = string.format
local gmatch = string.gmatch
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

-- Longest path of a unix domain socket: sun_path with its final NUL.
local MAX_PATH = 107

local _M = {}


function _M.is_ipv4(text)
    local a, b, c, d = match(text, "^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    return a and tonumber(a) < 256 and tonumber(b) < 256
        and tonumber(c) < 256 and tonumber(d) < 256 or false
end


local is_ipv4 = _M.is_ipv4


-- Returns how many 16-bit groups `text` holds, nil where one is malformed.
local function count_groups(text)
    if text == "" then
        return 0
    end
    local n = 0
    for group, rest in gmatch(text .. ":", "([^:]*):()") do
        if find(group, "^%x%x?%x?%x?$") then
            n = n + 1
        elseif rest > #text and is_ipv4(group) then
            n = n + 2
        else
            return nil
        end
    end
    return n
end


function _M.is_ipv6(text)
    local first, last = find(text, "::", 1, true)
    if not first then
        return count_groups(text) == 8
    end
    local left = count_groups(sub(text, 1, first - 1))
    local right = count_groups(sub(text, last + 1))
    return left and right and left + right < 8 or false
end


local function parse_unix(host)
    local path = sub(host, 6)
    if path == "" then
        return nil, "no path in the unix domain socket"
    elseif #path > MAX_PATH then
        return nil, "too long path in the unix domain socket"
    end
    return {kind = "unix", path = path}
end


-- Returns the port that text names | nil, "invalid port".
local function read_port(text)
    local number = find(text, "^%d+$") and tonumber(text)
    if not number or number < 1 or number > 65535 then
        return nil, "invalid port"
    end
    return number
end


local function parse_inet6(host, port)
    local close = find(host, "]", 2, true)
    local rest = close and sub(host, close + 1)
    if not close or rest ~= "" and sub(rest, 1, 1) ~= ":" then
        return nil, "invalid host"
    end
    if rest ~= "" then
        local err
        port, err = read_port(sub(rest, 2))
        if not port then
            return nil, err
        end
    end
    local address = sub(host, 2, close - 1)
    if address == "" then
        return nil, "no host"
    elseif not _M.is_ipv6(address) then
        return nil, "invalid IPv6 address"
    end
    return {kind = "address", family = 6, address = address, port = port,
            text = format("[%s]:%d", address, port)}
end


local function parse_inet(host, port)
    if find(host, "[/?]") then
        return nil, "invalid host"
    end
    local name = host
    local colon = find(host, ":", 1, true)
    if colon then
        local err
        port, err = read_port(sub(host, colon + 1))
        if not port then
            return nil, err
        end
        name = sub(host, 1, colon - 1)
    end
    if name == "" then
        return nil, "no host"
    elseif is_ipv4(name) then
        return {kind = "address", family = 4, address = name, port = port,
                text = format("%s:%d", name, port)}
    end
    return {kind = "name", name = host, port = port}
end


local function parse(host, port)
    if lower(sub(host, 1, 5)) == "unix:" then
        return parse_unix(host)
    elseif sub(host, 1, 1) == "[" then
        return parse_inet6(host, port)
    end
    return parse_inet(host, port)
end


_M.parse_url = parse


function _M.parse(host, port)
    local target, err = parse(host, port)
    if not target then
        return nil, format('failed to parse host name "%s": %s', host, err)
    end
    return target
end


return _M
