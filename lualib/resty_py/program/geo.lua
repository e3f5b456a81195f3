-- geo: variables whose value depends on an address.
--
--   compile(given)   f(r) -> string
--
-- given: {source, proxies, recursive} and {lengths = {[size] = array of {bits,
-- values}}}, the longest first, values by prefix; or {firsts, lasts, values,
-- default}, ranges in their order.
--
-- Rules:
--
-- 1. The address is the client's, or that of a variable; what tells none is
--    looked up as NOWHERE. Where it is one of the proxies, X-Forwarded-For
--    tells it.
-- 2. The longest network counts. Ranges do not overlap, and have IPv4
--    addresses alone.
--
-- Follows ngx_http_geo_module.c.

local address = require "resty_py.net.address"
local forwarded = require "resty_py.request.forwarded"
local memo = require "resty_py.http.memo"
local network = require "resty_py.net.network"
local template = require "resty_py.program.template"

local byte = string.byte
local floor = math.floor
local from_host = address.from_host
local parse = address.parse
local prefix = network.prefix
local recall = memo.recall
local store = memo.store
local unmapped = network.unmapped

-- Addresses whose values are kept per generation.
local ADDRESSES = 512

local NOWHERE = "\255\255\255\255"

local _M = {}


-- The address ----------------------------------------------------------------


local function of_client(r)
    return r.downstream.address
end


local function of_text(source)
    return function(r)
        return from_host(source(r))
    end
end


local function behind(proxies, recursive, source)
    local trusted = forwarded.trust(proxies)
    return function(r)
        local told = source(r)
        return told and forwarded.find(
            told, forwarded.values(r.head, "x-forwarded-for"), trusted,
            recursive) or told
    end
end


-- Returns f(r): the address, sockaddr bytes, or nil.
local function reader(given)
    local source = given.source and of_text(template.compile(given.source))
        or of_client
    if #given.proxies > 0 then
        return behind(given.proxies, given.recursive, source)
    end
    return source
end


local function binary_of(sockaddr)
    local parsed = parse(sockaddr)
    return parsed.port and unmapped(parsed.binary) or NOWHERE
end


-- The value ------------------------------------------------------------------


local function find_network(by_size)
    return function(binary)
        local lengths = by_size[#binary]
        for i = 1, #lengths do
            local each = lengths[i]
            local value = each.values[prefix(binary, each.bits)]
            if value then
                return value
            end
        end
    end
end


local function number_of(binary)
    local a, b, c, d = byte(binary, 1, 4)
    return ((a * 256 + b) * 256 + c) * 256 + d
end


-- Returns how many of the sorted numbers are not above one.
local function count_up_to(numbers, number)
    local low, high = 0, #numbers
    while low < high do
        local middle = floor((low + high + 1) / 2)
        if numbers[middle] <= number then
            low = middle
        else
            high = middle - 1
        end
    end
    return low
end


local function find_range(given)
    local firsts, lasts, values = given.firsts, given.lasts, given.values
    return function(binary)
        local number = number_of(#binary == 4 and binary or NOWHERE)
        local i = count_up_to(firsts, number)
        return i > 0 and number <= lasts[i] and values[i] or given.default
    end
end


function _M.compile(given)
    local read = reader(given)
    local find = given.firsts and find_range(given)
        or find_network(given.lengths)
    local known, nowhere = memo.new(ADDRESSES), find(NOWHERE)
    return function(r)
        local sockaddr = read(r)
        if not sockaddr then
            return nowhere
        end
        return recall(known, sockaddr)
            or store(known, sockaddr, find(binary_of(sockaddr)))
    end
end


return _M
