-- The client that proxies tell of: each adds who has asked it.
--
--   trust(given)   f(address): whether one of the networks has it
--   find(address, headers, trusted, recursive)
--                  the address that `headers`, an array of texts, tell of, or
--                  nil where `address` is not trusted to tell, or tells none
--   values(head, name)   those of all headers of a name in lower case
--
-- Addresses are sockaddr bytes; given: networks as net/network.lua has them.
--
-- Rules:
--
-- 1. The last address of a header counts. Where `recursive` is set and that is
--    trusted too, the one before it does, and so on, through all headers.
-- 2. What is no address ends the search.
--
-- Follows ngx_http_get_forwarded_addr and ngx_cidr_match.

local address = require "resty_py.net.address"
local memo = require "resty_py.http.memo"
local network = require "resty_py.net.network"

local byte = string.byte
local from_text = address.from_text
local ipairs = ipairs
local parse = address.parse
local recall = memo.recall
local store = memo.store
local sub = string.sub
local unmapped = network.unmapped

local SPACE, COMMA = byte(" ,", 1, 2)
local SEPARATORS = {[SPACE] = true, [COMMA] = true}

-- Addresses kept per generation: those that are trusted or not, and texts of
-- some length at most that are addresses.
local ADDRESSES, TEXT = 512, 64

local _M = {}


local function is_in(fits, sockaddr)
    local binary = unmapped(parse(sockaddr).binary)
    for i = 1, #fits do
        if fits[i](binary) then
            return true
        end
    end
    return false
end


function _M.trust(given)
    local fits, known = {}, memo.new(ADDRESSES)
    for i, each in ipairs(given) do
        fits[i] = network.compile(each)
    end
    return function(sockaddr)
        local answer = recall(known, sockaddr)
        if answer == nil then
            answer = store(known, sockaddr, is_in(fits, sockaddr))
        end
        return answer
    end
end


function _M.values(head, name)
    local found = {}
    local fields = head.fields
    for i = 1, fields.n do
        if fields[i].lower == name then
            found[#found + 1] = fields[i].value
        end
    end
    return found
end


local texts = memo.new(ADDRESSES)


-- Returns the address that a text is, or nil.
local function address_in(text)
    local found = recall(texts, text)
    if found then
        return found
    end
    found = from_text(text)
    if found and #text <= TEXT then
        store(texts, text, found)
    end
    return found
end


-- Returns where the last word before place `last` begins and ends.
local function last_word(text, last)
    while last > 1 and SEPARATORS[byte(text, last)] do
        last = last - 1
    end
    local first = last
    while first > 1 and not SEPARATORS[byte(text, first - 1)] do
        first = first - 1
    end
    -- What stands first is not looked at.
    if first == 2 then
        first = 1
    end
    return first, last
end


-- Returns the address that a header tells of, or nil, and whether the header
-- before it may be asked.
local function find_in(text, told, trusted, recursive)
    local found, last = nil, #text
    repeat
        if last < 1 or not trusted(told) then
            return found, false
        end
        local first
        first, last = last_word(text, last)
        told = address_in(sub(text, first, last))
        if not told then
            return found, false
        end
        found, last = told, first - 2
    until not recursive or first == 1
    return found, recursive
end


function _M.find(told, headers, trusted, recursive)
    local found
    for i = #headers, 1, -1 do
        local client, is_open = find_in(headers[i], told, trusted, recursive)
        found = client or found
        if not is_open then
            break
        end
        told = client
    end
    return found
end


return _M
