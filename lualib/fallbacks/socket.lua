-- socket where luasocket itself is not installed: its clients, over cosockets.
--
-- A light thread that waits lets the others go on, as with ngx.socket. What is
-- there:
--
--   gettime(), sleep(seconds), newtry(finalizer), try(…), protect(f),
--   skip(n, …), dns.gethostname()
--   tcp(), tcp4(), tcp6(), connect(host, port)    clients:
--       connect(host, port), send(data, i?, j?), receive(pattern?, prefix?),
--       settimeout(seconds | nil), setoption(name, value), close(),
--       setkeepalive(…) and getreusedtimes() of cosockets
--   udp()    clients: setpeername(host, port), send(data), receive(size?),
--            settimeout(seconds | nil), close()
--
-- Any other function of luasocket, those of servers above all, raises an error
-- that names it.

local native = require "resty_py.native"

local error = error
local getmetatable = getmetatable
local ipairs = ipairs
local ngx = ngx
local pcall = pcall
local select = select
local setmetatable = setmetatable
local sub = string.sub
local tostring = tostring
local type = type

-- The longest timeout of a cosocket, for what may wait for ever; the shortest,
-- for what may not wait at all. Milliseconds.
local FOR_EVER, AT_ONCE = 2147483647, 1

local _M = {_VERSION = "LuaSocket 3.1.0", _SETSIZE = 0, BLOCKSIZE = 2048}


local function refuse(name)
    return function()
        error(name .. " of luasocket is not supported by resty-py", 2)
    end
end


local function milliseconds(seconds)
    if not seconds or seconds < 0 then
        return FOR_EVER
    end
    return seconds > 0 and seconds * 1000 or AT_ONCE
end


-- Time ------------------------------------------------------------------------


function _M.gettime()
    ngx.update_time()
    return ngx.now()
end


-- Blocks the worker in phases that cannot wait.
function _M.sleep(seconds)
    if seconds > 0 and not pcall(ngx.sleep, seconds) then
        native.clock.sleep(seconds)
    end
end


-- Clients ---------------------------------------------------------------------


local Tcp = {}
Tcp.__index = Tcp


function _M.tcp()
    local self = setmetatable({sock = ngx.socket.tcp()}, Tcp)
    self:settimeout(nil)
    return self
end


_M.tcp4, _M.tcp6 = _M.tcp, _M.tcp


function _M.connect(host, port)
    local self = _M.tcp()
    local ok, err = self:connect(host, port)
    if not ok then
        return nil, err
    end
    return self
end


function Tcp:connect(host, port)
    local ok, err = self.sock:connect(host, port)
    if not ok then
        return nil, err
    end
    return 1
end


-- Returns the index of the last byte that was sent | nil, err, 0.
function Tcp:send(data, first, last)
    data = sub(data, first or 1, last or -1)
    local ok, err = self.sock:send(data)
    if not ok then
        return nil, err, 0
    end
    return (first or 1) + #data - 1
end


local PATTERNS = {l = "*l", a = "*a"}


-- Returns data, after `prefix` | nil, err, what was read before, after it.
function Tcp:receive(pattern, prefix)
    pattern = pattern or "*l"
    prefix = prefix and tostring(prefix) or ""
    if type(pattern) == "number" then
        pattern = pattern - #prefix
    end
    local data, err, partial = self.sock:receive(PATTERNS[pattern] or pattern)
    if not data then
        return nil, err, prefix .. (partial or "")
    end
    return prefix .. data
end


-- Returns 1: luasocket's timeouts have modes, cosockets have one.
function Tcp:settimeout(seconds)
    self.sock:settimeout(milliseconds(seconds))
    return 1
end


function Tcp:setoption(name, value)
    return self.sock:setoption(name, value)
end


function Tcp:close()
    self.sock:close()
    return 1
end


function Tcp:setkeepalive(...)
    return self.sock:setkeepalive(...)
end


function Tcp:getreusedtimes()
    return self.sock:getreusedtimes()
end


local Udp = {}
Udp.__index = Udp


function _M.udp()
    local self = setmetatable({sock = ngx.socket.udp()}, Udp)
    self:settimeout(nil)
    return self
end


_M.udp4, _M.udp6 = _M.udp, _M.udp


function Udp:setpeername(...)
    local ok, err = self.sock:setpeername(...)
    return ok and 1 or nil, err
end


function Udp:send(data)
    local ok, err = self.sock:send(data)
    return ok and 1 or nil, err
end


function Udp:receive(size)
    return self.sock:receive(size)
end


Udp.settimeout, Udp.close = Tcp.settimeout, Tcp.close


for _, name in ipairs {"accept", "bind", "dirty", "getfd", "getoption",
                       "getpeername", "getsockname", "getstats", "listen",
                       "setfd", "setstats", "shutdown"} do
    Tcp[name] = refuse("tcp:" .. name .. "()")
end

for _, name in ipairs {"getoption", "getpeername", "getsockname",
                       "receivefrom", "sendto", "setoption", "setsockname"} do
    Udp[name] = refuse("udp:" .. name .. "()")
end

for _, name in ipairs {"bind", "select", "sink", "source", "choose"} do
    _M[name] = refuse("socket." .. name .. "()")
end


-- Errors as values ------------------------------------------------------------


-- What an error of try() is: a table that protect() knows.
local Failure = {}


-- Returns a function that gives its arguments back, or fails with the second
-- where the first is nil, after it has called the finalizer.
function _M.newtry(finalizer)
    return function(...)
        if not (...) then
            if finalizer then
                pcall(finalizer)
            end
            error(setmetatable({(select(2, ...))}, Failure), 0)
        end
        return ...
    end
end


_M.try = _M.newtry()


local function protected(ok, ...)
    if ok then
        return ...
    end
    local err = ...
    if type(err) == "table" and getmetatable(err) == Failure then
        return nil, err[1]
    end
    error(err, 0)
end


-- Returns f, which then answers nil, err where a try() has failed in it.
function _M.protect(f)
    return function(...)
        return protected(pcall(f, ...))
    end
end


function _M.skip(n, ...)
    return select(n + 1, ...)
end


-- Names -----------------------------------------------------------------------


_M.dns = {gethostname = native.worker.hostname}

for _, name in ipairs {"toip", "tohostname", "getaddrinfo", "getnameinfo"} do
    _M.dns[name] = refuse("socket.dns." .. name .. "()")
end


return _M
