-- Which peer of an upstream is next: its load balancing method.
--
--   method(given)   that of an upstream block, {name, key}, or of none:
--                   {choose, prepare}, and group.key(r) of hash
--     choose(group, tried, u)   a peer | nil: none is live
--     prepare(group)            once the group knows its peers, or nil
--
-- Rules:
--
-- 1. Peers take turns by weight, as nginx's smooth weighted round robin has
--    it. Backups are for when no other is live.
-- 2. One that has failed max_fails times is left out for fail_timeout.
--    A group of one peer never is.
-- 3. least_conn takes the one with the fewest connections for its weight; among
--    equals they take turns.
-- 4. ip_hash, hash and random come upon a peer by a number, and upon another by
--    the next number where that one is not live or was tried. After MISSES of
--    them it is the turn of round robin, as in a group of one peer.
-- 5. A consistent hash has POINTS on a ring for each unit of weight; a key
--    belongs to the servers at the point that follows it.
--
-- u.draw is where an attempt of a request left off: {number, turn, misses}.
--
-- Follows ngx_http_upstream_round_robin.c and the modules least_conn, ip_hash,
-- hash and random; hash is that of Cache::Memcached, the consistent one that of
-- Cache::Memcached::Fast.

local clock = require "resty_py.clock"
local crc32 = require "resty_py.codec.hash".crc32_long
local template = require "resty_py.program.template"
local variables = require "resty_py.request.variables"

local byte = string.byte
local char = string.char
local floor = math.floor
local ipairs = ipairs
local lower = string.lower
local match = string.match
local random = math.random
local sort = table.sort
local sub = string.sub

local MISSES = 20
local POINTS = 160
-- Of ip_hash: what it starts with, multiplies by and divides by.
local SEED, FACTOR, MODULUS = 89, 113, 6271
-- Bytes of an IPv4 address that count.
local NETWORK = 3
-- Of a client without an address.
local NOWHERE = "\0\0\0"

local _M = {}


-- Round robin ----------------------------------------------------------------


local function is_live(group, peer, tried, now)
    if peer.down or tried[peer]
        or peer.max_conns > 0 and peer.conns >= peer.max_conns
    then
        return false
    end
    return group.is_single or peer.max_fails == 0
        or peer.fails < peer.max_fails
        or now - peer.checked > peer.fail_timeout
end


-- The peer takes part in a turn, in which `best` leads so far.
-- Returns who leads now.
local function take_part(peer, best)
    peer.current = peer.current + peer.effective
    if peer.effective < peer.weight then
        peer.effective = peer.effective + 1
    end
    return best and peer.current <= best.current and best or peer
end


-- Returns the peer whose turn it is, of those that are live and for which
-- counts(peer, what), where it is given, is true | nil.
local function take_turns(group, peers, tried, counts, what)
    local best, total, now = nil, 0, clock.mono
    for i = 1, #peers do
        local peer = peers[i]
        if is_live(group, peer, tried, now)
            and (not counts or counts(peer, what))
        then
            total = total + peer.effective
            best = take_part(peer, best)
        end
    end
    if best then
        best.current = best.current - total
    end
    return best
end


local function round_robin(group, tried)
    return take_turns(group, group.peers, tried)
        or take_turns(group, group.backups, tried)
end


-- least_conn -----------------------------------------------------------------


-- Whether a has fewer connections for its weight than b.
local function is_less_busy(a, b)
    return a.conns * b.weight < b.conns * a.weight
end


local function is_as_busy(a, b)
    return a.conns * b.weight == b.conns * a.weight
end


local function find_least_busy(group, peers, tried)
    local best, has_equal, now = nil, false, clock.mono
    for i = 1, #peers do
        local peer = peers[i]
        if is_live(group, peer, tried, now) then
            if not best or is_less_busy(peer, best) then
                best, has_equal = peer, false
            elseif is_as_busy(peer, best) then
                has_equal = true
            end
        end
    end
    return best, has_equal
end


local function least_conn_of(group, peers, tried)
    local best, has_equal = find_least_busy(group, peers, tried)
    if has_equal then
        return take_turns(group, peers, tried, is_as_busy, best)
    end
    return best
end


local function least_conn(group, tried)
    return least_conn_of(group, group.peers, tried)
        or least_conn_of(group, group.backups, tried)
end


-- By a number ----------------------------------------------------------------


local function total_weight(peers)
    local total = 0
    for i = 1, #peers do
        total = total + peers[i].weight
    end
    return total
end


-- Returns the peer that a number below the total weight comes upon.
local function at(peers, number)
    for i = 1, #peers do
        number = number - peers[i].weight
        if number < 0 then
            return peers[i]
        end
    end
end


local function draw_of(u, number)
    local draw = u.draw
    if not draw then
        draw = {number = number, turn = 0, misses = 0}
        u.draw = draw
    end
    return draw
end


-- Returns the first peer that find(group, u, draw) comes upon and that is live.
-- `past`, which may be a peer, counts as tried.
local function hunt(group, tried, u, draw, find, past)
    while draw.misses <= MISSES do
        local peer = find(group, u, draw)
        if peer ~= past and is_live(group, peer, tried, clock.mono) then
            return peer
        end
        draw.misses = draw.misses + 1
    end
end


-- Makes a method of a way to find a peer by a number.
local function by(find)
    return function(group, tried, u)
        if group.is_single then
            return round_robin(group, tried)
        end
        return hunt(group, tried, u, draw_of(u, 0), find)
            or round_robin(group, tried)
    end
end


-- ip_hash --------------------------------------------------------------------


local function network_of(r)
    local address = variables.get(r, "binary_remote_addr") or ""
    return #address == 16 and address
        or #address == 4 and sub(address, 1, NETWORK) or NOWHERE
end


local ip_hash = by(function(group, u, draw)
    local network = network_of(u.request)
    local number = draw.turn == 0 and SEED or draw.number
    for i = 1, #network do
        number = (number * FACTOR + byte(network, i)) % MODULUS
    end
    draw.number, draw.turn = number, draw.turn + 1
    return at(group.peers, number % total_weight(group.peers))
end)


-- hash -----------------------------------------------------------------------


local function key_of(group, u)
    return group.key(u.request)
end


local function fold(checksum)
    return floor(checksum / 65536) % 32768
end


local find_by_key = by(function(group, u, draw)
    local turn = draw.turn
    local text = turn > 0 and turn .. key_of(group, u) or key_of(group, u)
    draw.number, draw.turn = draw.number + fold(crc32(text)), turn + 1
    return at(group.peers, draw.number % total_weight(group.peers))
end)


local function hash(group, tried, u)
    if key_of(group, u) == "" then
        return round_robin(group, tried)
    end
    return find_by_key(group, tried, u)
end


-- hash, consistent -----------------------------------------------------------


-- Returns the host and the port of a server, as it is written.
local function parts(server)
    if lower(sub(server, 1, 5)) == "unix:" then
        return sub(server, 6), ""
    end
    local host, port = match(server, "^(.*):(%d*)$")
    return host or server, port or ""
end


local function little_endian(number)
    local low, high = number % 65536, floor(number / 65536)
    return char(low % 256, floor(low / 256), high % 256, floor(high / 256))
end


local function add_points(ring, peer)
    local host, port = parts(peer.server)
    local base, before = host .. "\0" .. port, 0
    for _ = 1, peer.weight * POINTS do
        before = crc32(base .. little_endian(before))
        ring[#ring + 1] = {number = before, server = peer.server}
    end
end


local function drop_doubles(ring)
    local kept = {}
    for _, point in ipairs(ring) do
        if #kept == 0 or kept[#kept].number ~= point.number then
            kept[#kept + 1] = point
        end
    end
    return kept
end


local function make_ring(group)
    local ring = {}
    for _, peer in ipairs(group.peers) do
        add_points(ring, peer)
    end
    sort(ring, function(a, b) return a.number < b.number end)
    group.ring = drop_doubles(ring)
end


-- Returns the place of the first point that is not before `number`, less one.
local function find_point(ring, number)
    local low, high = 0, #ring
    while low < high do
        local middle = floor((low + high) / 2)
        if ring[middle + 1].number < number then
            low = middle + 1
        else
            high = middle
        end
    end
    return low
end


local function is_of(peer, server)
    return peer.server == server
end


local function consistent(group, tried, u)
    local key = key_of(group, u)
    if group.is_single or key == "" then
        return round_robin(group, tried)
    end
    local ring = group.ring
    local draw = u.draw or draw_of(u, find_point(ring, crc32(key)))
    while draw.misses <= MISSES do
        local server = ring[draw.number % #ring + 1].server
        local peer = take_turns(group, group.peers, tried, is_of, server)
        if peer then
            return peer
        end
        draw.number, draw.misses = draw.number + 1, draw.misses + 1
    end
    return round_robin(group, tried)
end


-- random ---------------------------------------------------------------------


local function peek(group)
    return at(group.peers, random(total_weight(group.peers)) - 1)
end


-- The less busy of two.
local function random_two(group, tried, u)
    if #group.peers < 2 then
        return round_robin(group, tried)
    end
    local draw = draw_of(u, 0)
    local first = hunt(group, tried, u, draw, peek)
    local second = first and hunt(group, tried, u, draw, peek, first)
    if not second then
        return round_robin(group, tried)
    end
    return is_less_busy(first, second) and first or second
end


-- Methods --------------------------------------------------------------------


local METHODS = {
    round_robin = {choose = round_robin},
    least_conn = {choose = least_conn},
    ip_hash = {choose = ip_hash},
    hash = {choose = hash},
    consistent_hash = {choose = consistent, prepare = make_ring},
    random = {choose = by(peek)},
    random_two = {choose = random_two},
}


function _M.method(given)
    if not given then
        return METHODS.round_robin
    end
    return METHODS[given.name], given.key and template.compile(given.key)
end


return _M
