-- The PROXY protocol: what a proxy says of its client before that has its turn.
--
--   begin(downstream, timeout)   awaits what the proxy says: it has `timeout`
--                                seconds for it and the client's first byte
--   parse(data)                  the index behind it, and addr, port,
--                                server_addr and server_port, all texts, or
--                                nil where it tells none
--                                | nil, what is wrong, or nothing
--
-- Rules:
--
-- 1. It comes in the first bytes that are read, whole: nothing is waited for
--    that is missing, and what is larger than the first buffer is too large.
-- 2. Over TLS it comes before the handshake, and is looked at before it is
--    taken, so that OpenSSL finds what follows.
-- 3. What cannot be understood ends the connection; what tells of no stream
--    over IP tells nothing.
--
-- Follows ngx_proxy_protocol.c, ngx_http_wait_request_handler and
-- ngx_http_ssl_handshake.

local ipv6 = require "resty_py.net.address".ipv6
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"
local sys = require "resty_py.sys"

local byte = string.byte
local concat = table.concat
local find = string.find
local floor = math.floor
local format = string.format
local match = string.match
local sub = string.sub
local tonumber = tonumber

local TIMEOUT = scheduler.TIMEOUT

local VERSION_1 = "^PROXY TCP[46] ([%x.:]*) ([%x.:]*) (%d+) (%d+)\r\n()"
local UNKNOWN = "PROXY UNKNOWN"
local MAX_PORT = 65535

-- Version 2: signature, version and command, family and transport, length.
local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"
local HEAD_SIZE = 16
local PROXY, STREAM = 1, 1

-- Bytes that are looked at before a handshake: NGX_PROXY_PROTOCOL_MAX_HEADER
-- and one.
local PEEKED = 108

local READING = " while reading PROXY protocol"
local TIMED_OUT = "client timed out (110: Connection timed out)"
local CLOSED = "client closed connection"

local _M = {}


-- Version 1 ------------------------------------------------------------------


local function broken(data)
    return nil, format('broken header: "%s"', data)
end


local function parse_line(data)
    local addr, server_addr, port, server_port, next = match(data, VERSION_1)
    if addr then
        port, server_port = tonumber(port), tonumber(server_port)
        if port > MAX_PORT or server_port > MAX_PORT then
            return broken(data)
        end
        return next, {addr = addr, port = port, server_addr = server_addr,
                      server_port = server_port}
    elseif sub(data, 1, #UNKNOWN) == UNKNOWN then
        local _, last = find(data, "\r\n", #UNKNOWN + 1, true)
        if last then
            return last + 1
        end
    end
    return broken(data)
end


-- Version 2 ------------------------------------------------------------------


local function uint16(data, at)
    local high, low = byte(data, at, at + 1)
    return high * 256 + low
end


local function ipv4(binary)
    return concat({byte(binary, 1, 4)}, ".")
end


-- By address family: bytes of an address, and what makes text of it.
local FAMILIES = {{size = 4, text = ipv4}, {size = 16, text = ipv6}}


-- Two addresses and two ports, and what else there may be.
local function read_addresses(data, family, next)
    local size, from = family.size, HEAD_SIZE + 1
    local ports = from + 2 * size
    if next < ports + 4 then
        return nil
    end
    return next, {
        addr = family.text(sub(data, from, from + size - 1)),
        server_addr = family.text(sub(data, from + size, ports - 1)),
        port = uint16(data, ports), server_port = uint16(data, ports + 2),
    }
end


local function parse_binary(data)
    local version, kind = byte(data, 13, 14)
    if floor(version / 16) ~= 2 then
        return nil, format("unknown PROXY protocol version: %d",
                           floor(version / 16))
    end
    local next = HEAD_SIZE + uint16(data, 15) + 1
    if next > #data + 1 then
        return nil, "header is too large"
    end
    local family = FAMILIES[floor(kind / 16)]
    if version % 16 ~= PROXY or kind % 16 ~= STREAM or not family then
        return next
    end
    return read_addresses(data, family, next)
end


-- Both -----------------------------------------------------------------------


local function parse(data)
    if #data >= HEAD_SIZE and sub(data, 1, #SIGNATURE) == SIGNATURE then
        return parse_binary(data)
    end
    return parse_line(data)
end

_M.parse = parse


-- Reading --------------------------------------------------------------------


local function refuse(self, level, text)
    if text then
        log.connection(self, level, text .. READING)
    end
    return self:close()
end


-- Nothing was read: the client's time is over, or nothing more comes.
local function stop(self, err, code)
    if err == TIMEOUT then
        return refuse(self, log.INFO, TIMED_OUT)
    elseif err == "closed" then
        return refuse(self, log.INFO, CLOSED)
    end
    return refuse(self, log.INFO, log.failed_call("recv", err, code))
end


-- Keeps what is told. Returns the index behind it | nil: the connection is
-- closed.
local function take(self, data)
    local next, told = parse(data)
    if next then
        self.proxied = told
        return next
    end
    refuse(self, log.ERR, told)
end


local function read_plain(self, event)
    if event then
        return stop(self, event)
    end
    local connection = self.connection
    local data, err = connection:read_now(
        self.settings.client_header_buffer_size)
    if not data and err == "again" then
        return self:await(read_plain)
    elseif not data then
        return stop(self, err, connection.code)
    end
    local next = take(self, data)
    if not next then
        return
    elseif next > #data then
        return self:await_head()
    end
    connection:put_back(sub(data, next))
    return self:parse_head(true)
end


local function peek_plain(self, event)
    if event then
        return stop(self, event)
    end
    local connection = self.connection
    local data, err, code = sys.peek(connection.fd, PEEKED)
    if not data and err == "again" then
        connection.readable = false
        return self:await(peek_plain)
    elseif not data then
        return stop(self, err, code)
    end
    local next = take(self, data)
    if next then
        sys.recv(connection.fd, next - 1)
        return self.listener.secure(self)
    end
end


function _M.begin(downstream, timeout)
    local endpoint = downstream:own_endpoint()
    if not endpoint.is_proxied then
        local listener = downstream.listener
        return (listener.secure or downstream.await_head)(downstream, timeout)
    end
    return downstream:await(endpoint.is_tls and peek_plain or read_plain,
                            timeout)
end


return _M
