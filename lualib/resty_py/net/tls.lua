-- A connection over TLS: what a connection (connection.lua) becomes when it
-- begins to shake hands. Readers and writers do not notice; those of plain
-- connections do not pay for it.
--
-- Rules, besides those of a connection:
--
-- 1. `readable` and `writable` say that the next call of TLS is worth trying.
--    A short read says nothing: a record may end anywhere.
-- 2. A call may need the other direction: a read that has to send, a write
--    that has to receive. It is `crossed` then, and what readies the other
--    direction, an event or the success of its own user, readies it as well.
-- 3. A failed call leaves the connection `broken`: nothing more is said to
--    the peer, and its session is not resumed.
-- 4. The `SSL *` is freed with the descriptor.
--
-- Fields, besides those of a connection:
--
--   ssl, channel         the `SSL *`: its address, and for reads and writes
--   is_shaken            whether the handshake is done
--   broken               see above
--   code                 an error number, or {line = what to log, is_peers =
--                        whether the peer is to blame}
--   is_server            whether the peer is a client of ours, who is told
--                        of the end
--   sessions             what its session is known by (sessions.lua), or nil
--   crossed_read, crossed_write   see above
--
-- Follows ngx_ssl_handshake, ngx_ssl_recv, ngx_ssl_write and ngx_ssl_shutdown.

local clock = require "resty_py.clock"
local connections = require "resty_py.net.connection"
local log = require "resty_py.log"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"

local Connection = connections.Connection
local abandon_plain = Connection.abandon
local close_plain = Connection.close
local forget = native.tls.forget
local free = native.tls.free
local describe = native.tls.description
local handshake = native.tls.handshake
local is_reused = native.tls.is_reused
local pairs = pairs
local require = require
local setmetatable = setmetatable
local shutdown = native.tls.shutdown
local type = type
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

-- Data over TLS (tls/transfer.lua): there from the first connection on, since
-- nobody who speaks no TLS misses OpenSSL.
local transfer, peek, read, write

local Tls = {}
Tls.__index = Tls

for name, method in pairs(Connection) do
    if name ~= "__index" then
        Tls[name] = method
    end
end

local _M = {}


local function load_transfer()
    transfer = require "resty_py.tls.transfer"
    peek, read, write = transfer.peek, transfer.read, transfer.write
end


-- Makes a connection one over TLS that has not shaken hands yet; it owns `ssl`.
function _M.begin(connection, ssl)
    if not transfer then
        load_transfer()
    end
    connection.ssl = ssl
    connection.channel = transfer.channel(ssl)
    connection.is_shaken = false
    connection.broken = false
    connection.crossed_read = nil
    connection.crossed_write = nil
    return setmetatable(connection, Tls)
end


-- Says in debug lines what a handshake has come to; r: for whom.
function _M.tell(connection, r)
    log.debug(r, describe(connection.ssl))
    if is_reused(connection.ssl) then
        log.debug(r, "SSL reused session")
    end
end


-- Directions -----------------------------------------------------------------


-- Stands in for a reader or writer that waits for the other direction.
local Relay = {}
Relay.__index = Relay


function Relay:run()
    local connection = self.connection
    if connection.fd then
        connection:uncross()
    end
end


-- Readies what was crossed, and wakes who waits for it.
function Tls:uncross()
    local reader, writer = self.reader, self.writer
    if self.crossed_read then
        self.crossed_read = nil
        self.readable = true
        self.reader = nil
        if reader then
            wake(reader)
        end
    end
    if self.crossed_write then
        self.crossed_write = nil
        self.writable = true
        self.writer = nil
        if writer then
            wake(writer)
        end
    end
end


local function relay(self)
    return setmetatable({connection = self, parked = true, value = nil}, Relay)
end


local function cross_read(self)
    self.readable, self.writable = false, false
    self.crossed_read = true
    self.writer = self.writer or relay(self)
end


local function cross_write(self)
    self.readable, self.writable = false, false
    self.crossed_write = true
    self.reader = self.reader or relay(self)
end


-- Data -----------------------------------------------------------------------


-- code: an error number, or the line to log.
local function failed(self, err, code, is_peers)
    self.broken = true
    self.code = type(code) == "string"
        and {line = code, is_peers = is_peers} or code
    return nil, err
end


-- As Connection:read_now; what comes may be less than there is.
function Tls:read_now(max)
    if not self.readable then
        return nil, "again"
    end
    local data, err, code, is_peers = read(self.channel, max)
    if self.crossed_write then
        self:uncross()
    end
    if data then
        if data == "" then
            return nil, "closed"
        end
        return data
    elseif err == "again" then
        self.readable = false
        return nil, err
    elseif err == "write" then
        cross_read(self)
        return nil, "again"
    end
    return failed(self, err, code, is_peers)
end


-- As Connection:write_now.
function Tls:write_now(data, from)
    local size = #data
    while from <= size and self.writable do
        local sent, err, code, is_peers = write(self.channel, data, from)
        if sent then
            from = from + sent
        elseif err == "again" then
            self.writable = false
        elseif err == "read" then
            cross_write(self)
        else
            return failed(self, err, code, is_peers)
        end
    end
    if self.crossed_read and self.writable then
        self:uncross()
    end
    return from
end


-- As Connection:has_more; the end of the stream is not more.
function Tls:has_more()
    if not self.readable or self.broken then
        return false
    end
    local data, err = peek(self.channel)
    self.readable = err ~= "again"
    return data ~= nil and data ~= ""
end


-- As Connection:is_quiet. What TLS has to say for itself, such as tickets, is
-- taken and does not count.
function Tls:is_quiet()
    if not self.is_shaken or self.broken then
        return false
    elseif not self.readable then
        return not self.ended
    end
    local data, err = peek(self.channel)
    if data == nil and err == "again" then
        self.readable = false
        return not self.ended
    end
    return false
end


-- Shaking hands --------------------------------------------------------------


local WAITS = {
    read = function(self, left, owner)
        self.readable = false
        return self:wait_readable(left, owner)
    end,
    write = function(self, left, owner)
        self.writable = false
        return self:wait_writable(left, owner)
    end,
}


-- Shakes hands; parks.
--   timeout   seconds for all of it
--   owner     as wait_readable takes it
-- Returns true | nil, "timeout" | nil, "closed" | nil, "handshake failed",
-- what to log, whether the peer is to blame.
function Tls:shake_hands(timeout, owner)
    local stop = clock.mono + timeout
    while self.fd do
        local ok, detail, code, is_peers = handshake(self.ssl)
        if ok == true then
            self.is_shaken = true
            self.readable = true
            return true
        elseif not ok then
            self.broken = true
            self.code = code
            return nil, "handshake failed", detail, is_peers
        elseif WAITS[ok](self, stop - clock.mono, owner) == TIMEOUT then
            return nil, "timeout"
        end
    end
    return nil, "closed"
end


-- Ending ---------------------------------------------------------------------


-- Sends close_notify and FIN, and goes on reading.
function Tls:shutdown_write()
    if self.is_shaken and not self.broken then
        shutdown(self.ssl)
    end
    sys.shutdown_write(self.fd)
end


local function let_go(self)
    if self.sessions then
        self.sessions:part()
    end
    if self.is_server then
        forget(self.ssl)
        if self.is_shaken and not self.broken then
            shutdown(self.ssl)
        end
    end
    free(self.ssl, self.is_shaken and not self.broken)
    self.ssl, self.channel = nil, nil
end


function Tls:abandon()
    let_go(self)
    abandon_plain(self)
end


function Tls:close()
    if self.fd then
        let_go(self)
        close_plain(self)
    end
end


return _M
