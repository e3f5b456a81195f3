-- The checks that methods of a cosocket begin with.
--
-- Follows the tops of the functions of ngx_http_lua_socket_tcp.c.

local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local error = error
local format = string.format
local match = string.match
local tostring = tostring
local type = type

local _M = {}


-- An error unless the method was called on a socket.
function _M.self(self, name)
    if type(self) ~= "table" then
        error(format("bad argument #1 to '%s' (table expected, got %s)", name,
                     self == nil and "no value" or type(self)), 3)
    end
end


-- Logs a call on a socket that is closed; what: "receive", "send".
function _M.log_closed(self, what)
    local r = scheduler.current.request
    if r.settings.lua_socket_log_errors then
        log.request(r, log.ERR, "attempt to " .. what
            .. " data on a closed socket: u:"
            .. (match(tostring(self), "0x(%x+)") or "0")
            .. ", c:0000000000000000, ft:0 eof:0")
    end
end


-- Returns nil where the socket may be used, else the refusal; an error in
-- any request but its own.
--   reading, writing   what the caller is about to do
function _M.busy(self, reading, writing)
    if self.request ~= scheduler.current.request then
        error("bad request", 3)
    elseif self.connecting then
        return "socket busy connecting"
    elseif reading and self.reading then
        return "socket busy reading"
    elseif writing and self.writing then
        return "socket busy writing"
    end
end


return _M
