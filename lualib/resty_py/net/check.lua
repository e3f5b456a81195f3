-- The checks that methods of a cosocket begin with.
--
-- Each raises its errors at the line that called the method, so a method
-- calls them itself, never through another function or as a tail call.
--
-- Follows the tops of the functions of ngx_http_lua_socket_tcp.c and
-- ngx_http_lua_socket_udp.c: the texts, commas included.

local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local error = error
local floor = math.floor
local ceil = math.ceil
local format = string.format
local getinfo = debug.getinfo
local match = string.match
local rep = string.rep
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type
local upper = string.upper

local _M = {}

-- Method -> least and most arguments, the object included, and the error.
local COUNTS = {
    bind = {2, 3, "expecting 2 or 3 arguments, but got "},
    connect = {2, 4, "ngx.socket connect: expecting 2, 3, or 4 arguments "
               .. "(including the object), but seen "},
    receive = {1, 2, "expecting 1 or 2 arguments (including the object), "
               .. "but got "},
    receiveany = {2, 2, "expecting 2 arguments (including the object), "
                  .. "but got "},
    receiveuntil = {2, 3, "expecting 2 or 3 arguments (including the "
                    .. "object), but got "},
    send = {2, 2, "expecting 2 arguments (including the object), but got "},
    close = {1, 1, "expecting 1 argument (including the object) but seen "},
    settimeout = {2, 2, "ngx.socket settimeout: expecting 2 arguments "
                  .. "(including the object) but seen "},
    settimeouts = {4, 4, "ngx.socket settimeout: expecting 4 arguments "
                   .. "(including the object) but seen "},
    setkeepalive = {1, 3, "expecting 1 to 3 arguments (including the "
                    .. "object), but got "},
    getreusedtimes = {1, 1, "expecting 1 argument (including the object), "
                      .. "but got "},
    iterator = {0, 1, "expecting 0 or 1 arguments, but seen "},
    setpeername = {2, 3, "ngx.socket.udp setpeername: expecting 2 or 3 "
                   .. "arguments (including the object), but seen "},
    udp_settimeout = {2, 2, "ngx.socket settimeout: expecting at least 2 "
                      .. "arguments (including the object) but seen "},
}


-- An error unless the method got a fitting number of arguments.
function _M.count(name, n)
    local rule = COUNTS[name]
    if n < rule[1] or n > rule[2] then
        error(rule[3] .. n, 3)
    end
end


-- An error unless the method was called on a socket.
function _M.self(self, name)
    if type(self) ~= "table" then
        error(format("bad argument #1 to '%s' (table expected, got %s)", name,
                     type(self)), 3)
    end
end


-- The error of a method whose argument is wrong, as luaL_argerror has it: its
-- name is that by which it was called, the object counts unless it was called
-- as a method. Called by the method itself.
--   n      the argument's place, the object included
--   text   what is wrong with it
function _M.bad_argument(n, text)
    local info = getinfo(2, "n")
    if info.namewhat == "method" then
        n = n - 1
    end
    error(format("bad argument #%d to '%s' (%s)", n, info.name or "?", text),
          3)
end


-- What C makes of a NaN that is cast to an integer.
local NO_INTEGER = -2 ^ 63


-- The integer part of a number, as C casts it.
function _M.truncate(number)
    if number ~= number then
        return NO_INTEGER
    end
    return number < 0 and ceil(number) or floor(number)
end


local truncate = _M.truncate


-- Returns a timeout in seconds, nil for the default; an error for one that
-- is negative or does not fit into 31 bits.
function _M.timeout(value)
    local ms = truncate(tonumber(value) or 0)
    if ms < 0 or ms > 0x7fffffff then
        error("bad timeout value", 3)
    end
    return ms > 0 and ms / 1000 or nil
end


-- Returns nil where the socket may be used, else why it is busy.
--   reading, writing   what the caller is about to do
function _M.busy(self, reading, writing)
    if self.connecting then
        return "socket busy connecting"
    elseif reading and self.reading then
        return "socket busy reading"
    elseif writing and self.writing then
        return "socket busy writing"
    end
end


-- A table's address, as nginx prints pointers.
local function pointer(object)
    local digits = object and match(tostring(object), "0x(%x+)") or "0"
    return rep("0", 16 - #digits) .. upper(digits)
end


_M.pointer = pointer


-- Logs a call on a socket that is closed; what: "receive", "send".
--   state   more about the socket, after its address
function _M.log_closed(self, what, state)
    local r = scheduler.current.request
    if r.settings.lua_socket_log_errors then
        log.request(r, log.ERR, "attempt to " .. what
                    .. " data on a closed socket: u:"
                    .. pointer(self.request and self)
                    .. ", c:0000000000000000" .. (state or ""))
    end
end


-- Tells which timeout, in seconds, a call on a socket has: a debug line.
--   what   "connect", "send", "read"
function _M.log_timeout(r, what, timeout)
    log.debug(r, format("lua tcp socket %s timeout: %d", what,
                        timeout * 1000))
end


-- Linux errors that tell of the network or the peer: NGX_ERROR_ERR; others
-- should not be, and are alerts.
local NETWORK_ERRORS = {
    [32] = true,   -- EPIPE
    [100] = true,  -- ENETDOWN
    [101] = true,  -- ENETUNREACH
    [104] = true,  -- ECONNRESET
    [107] = true,  -- ENOTCONN
    [110] = true,  -- ETIMEDOUT
    [111] = true,  -- ECONNREFUSED
    [112] = true,  -- EHOSTDOWN
    [113] = true,  -- EHOSTUNREACH
}


-- Logs a system call that failed, whatever lua_socket_log_errors says.
--   call         "connect() to 127.0.0.1:80", "recv()", …
--   err, code    the error's text in lower case, and its number
function _M.log_call(r, level, call, err, code)
    log.request(r, level, format("%s failed (%s: %s%s)", call, code or "-1",
                                 upper(sub(err, 1, 1)), sub(err, 2)))
end


-- Logs a read or write that failed, as ngx_connection_error does.
--   code        the error's number, or what TLS says of it (tls.lua)
--   is_client   whether the socket is the client's own connection
function _M.log_failure(r, call, err, code, is_client)
    local level = is_client and log.INFO or log.ERR
    if type(code) == "table" then
        return log.request(r, code.is_peers and level or log.CRIT, code.line)
    end
    _M.log_call(r, NETWORK_ERRORS[code] and level or log.ALERT, call, err,
                code)
end


return _M
