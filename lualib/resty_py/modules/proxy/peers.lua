-- The servers of an upstream, and which of them is next.
--
--   group(address, is_variable)   the upstream that an address names
--                    (address.lua): a block of that name, or the address alone
--   define(given)    the upstream blocks of the configuration
--
-- A group:
--
--   group:ready(owner)     looks its names up. True | nil, err; parks
--   group:tries()          how many peers there are to try
--   group:choose(tried, u) a peer, which counts as tried | nil: none is live
--                          | nil, what balancer_by_lua has said (balancer.lua)
--   group:free(peer, failed, u)   what became of it, for the upstream u of a
--                          request (exchange.lua)
--   group:keep(peer, connection, uses, opened), group:take(peer, is_tls)
--                          idle connections: take returns connection, uses,
--                          opened | nil
--
-- Rules:
--
-- 1. The method of the block says whose turn it is (choice.lua).
-- 2. Of what fails a peer, and for how long, its fails and checked tell.
-- 3. Names are looked up when they are first needed; what is found is kept, as
--    nginx keeps what it finds at its start. One that variables have made is
--    looked up for each request. A name with several addresses is as many
--    peers.
-- 4. An idle connection that becomes readable or is too old is closed.
--
-- Follows ngx_http_upstream_round_robin.c and
-- ngx_http_upstream_keepalive_module.c.

local balancer = require "resty_py.modules.proxy.balancer"
local choice = require "resty_py.modules.proxy.choice"
local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local pools = require "resty_py.net.pool"
local resolve = require "resty_py.net.resolve".resolve
local scheduler = require "resty_py.scheduler"
local target = require "resty_py.net.target"

local arm = deadlines.arm
local compile = require "resty_py.program.handler".compile
local floor = math.floor
local disarm = deadlines.disarm
local format = string.format
local ipairs = ipairs
local lower = string.lower
local remove = table.remove
local setmetatable = setmetatable

local TIMEOUT = scheduler.TIMEOUT
local DEFAULT_PORT = 80
-- Addresses without a block of their own that are kept.
local LONE_MAX = 1024

local ALONE = {weight = 1, max_conns = 0, max_fails = 1, fail_timeout = 10}
local NAMED = {weight = 1, max_conns = 0, max_fails = 0, fail_timeout = 0}

local Group = {}
Group.__index = Group

local blocks = {}
local lone, lone_count = {}, 0

local _M = {}


-- Peers ----------------------------------------------------------------------


local function new_peer(given, to, text)
    return {
        to = to,
        name = text,
        server = given.address,
        weight = given.weight,
        effective = given.weight,
        current = 0,
        fails = 0,
        accessed = 0,
        checked = 0,
        conns = 0,
        max_conns = given.max_conns,
        max_fails = given.max_fails,
        fail_timeout = given.fail_timeout,
        down = given.down,
    }
end


local function text_of(to)
    return to.kind == "unix" and "unix:" .. to.path or to.text
end


-- Gives `to`, a name's address, the form of one that was written as it is.
local function with_port(to, port)
    to.kind = "address"
    to.port = port
    to.text = format(to.family == 6 and "[%s]:%d" or "%s:%d", to.address, port)
    return to
end


local function add(list, given, to)
    list[#list + 1] = new_peer(given, to, text_of(to))
end


-- Adds the peers of a server. Returns true | nil, err.
local function expand(self, list, given, owner)
    local to, err = target.parse(given.address, given.port or DEFAULT_PORT)
    if not to then
        return nil, err
    elseif to.kind ~= "name" then
        add(list, given, to)
        return true
    end
    self.has_names = true
    local addresses
    addresses, err = resolve(to.name, owner)
    if not addresses then
        return nil, err
    end
    for i = 1, #addresses do
        add(list, given, with_port(addresses[i], to.port))
    end
    return true
end


-- Takes the peers that were found, unless another request was faster.
local function settle(self, peers, backups)
    if self.is_ready then
        return
    end
    self.peers, self.backups = peers, backups
    self.is_single = #peers + #backups == 1
    if self.method.prepare then
        self.method.prepare(self)
    end
    self.is_ready = true
end


function Group:ready(owner)
    if self.is_ready then
        return true
    end
    local peers, backups = {}, {}
    for _, given in ipairs(self.servers) do
        local ok, err = expand(self, given.backup and backups or peers, given,
                               owner)
        if not ok then
            return nil, err
        end
    end
    settle(self, peers, backups)
    return true
end


function Group:tries()
    return #self.peers + #self.backups
end


-- Choosing -------------------------------------------------------------------


-- A peer that Lua has named lasts for an attempt.
local function choose_by_lua(self, u)
    local named, code = balancer.choose(u, self.balancer)
    if not named then
        return nil, code
    end
    local peer = new_peer(NAMED, named.to, named.name)
    peer.is_named = true
    peer.conns = 1
    self.is_single = false
    return peer
end


local function take(peer, tried)
    local now = clock.mono
    if now - peer.checked > peer.fail_timeout then
        peer.checked = now
    end
    tried[peer] = true
    peer.conns = peer.conns + 1
end


function Group:choose(tried, u)
    local named, code
    if self.balancer then
        named, code = choose_by_lua(self, u)
    end
    if named or code then
        return named, code
    end
    local peer = self.method.choose(self, tried, u)
    if peer then
        take(peer, tried)
    end
    return peer
end


local function note_failure(peer, u)
    local now = clock.mono
    peer.fails = peer.fails + 1
    peer.accessed, peer.checked = now, now
    if peer.max_fails > 0 then
        local less = floor(peer.weight / peer.max_fails)
        peer.effective = peer.effective > less and peer.effective - less or 0
        if peer.fails >= peer.max_fails then
            u:log(log.WARN, "upstream server temporarily disabled")
        end
    end
end


function Group:free(peer, failed, u)
    if peer.is_named then
        return
    end
    peer.conns = peer.conns - 1
    if self.is_single then
        peer.fails = 0
    elseif failed then
        note_failure(peer, u)
    elseif peer.accessed < peer.checked then
        peer.fails = 0
    end
end


-- Idle connections -----------------------------------------------------------


-- Watches an idle connection: an item of the scheduler.
local Idle = {}
Idle.__index = Idle


local function forget(group, item)
    local idle = group.idle
    for i = #idle, 1, -1 do
        if idle[i] == item then
            remove(idle, i)
        end
    end
    item.group = nil
end


function Idle:run(event)
    local connection = self.connection
    if not self.group or not connection.fd then
        return
    elseif event ~= TIMEOUT and connection:is_quiet() then
        self.parked = true
        connection.reader = self
        return
    end
    forget(self.group, self)
    connection:close()
end


function Group:keep(peer, connection, uses, opened)
    local settings = self.settings
    if not settings or pools.draining or uses >= settings.keepalive_requests
        or clock.mono - opened > settings.keepalive_time
        or not connection:is_drained() or not connection:is_quiet()
    then
        connection:close()
        return
    end
    local idle = self.idle
    if #idle >= settings.keepalive then
        local oldest = idle[1]
        forget(self, oldest)
        oldest.connection:close()
    end
    local item = setmetatable({connection = connection, peer = peer,
                               group = self, uses = uses, opened = opened,
                               parked = true, value = nil}, Idle)
    idle[#idle + 1] = item
    connection.reader = item
    arm(connection.read_timer, clock.mono + settings.keepalive_timeout, item)
end


function Group:take(peer, is_tls)
    local idle = self.idle
    for i = #idle, 1, -1 do
        local item = idle[i]
        if item.peer.name == peer.name
            and (item.connection.ssl ~= nil) == is_tls
        then
            local connection = item.connection
            forget(self, item)
            item.parked = false
            connection.reader = nil
            disarm(connection.read_timer)
            return connection, item.uses, item.opened
        end
    end
end


-- Groups ---------------------------------------------------------------------


local function new_group(name, servers, settings)
    return setmetatable({name = name, servers = servers, is_ready = false,
                         has_names = false, is_single = false, idle = {},
                         settings = settings, balancer = nil,
                         method = choice.method(), key = nil}, Group)
end


function _M.define(given)
    for _, each in ipairs(given) do
        local group = new_group(each.name, each.servers,
                                each.keepalive > 0 and each)
        group.balancer = each.balancer and compile(each.balancer)
        group.method, group.key = choice.method(each.method)
        blocks[each.name] = group
    end
end


local function new_lone(address, key)
    local server = setmetatable({address = address.host, port = address.port},
                                {__index = ALONE})
    return new_group(key, {server})
end


function _M.group(address, is_variable)
    local block = blocks[lower(address.host)]
    if block then
        return block
    end
    local key = address.port and address.host .. ":" .. address.port
        or address.host
    local found = lone[key]
    if not found then
        if lone_count >= LONE_MAX then
            lone, lone_count = {}, 0
        end
        found = new_lone(address, key)
        lone[key] = found
        lone_count = lone_count + 1
    elseif is_variable and found.has_names then
        return new_lone(address, key)
    end
    return found
end


return _M
