-- ngx.socket: tcp, stream, connect, udp.

local phases = require "resty_py.request.phases"
local receive = require "resty_py.net.receive"
local tcp = require "resty_py.net.tcp"
local udp = require "resty_py.net.udp"

local check = phases.check
local error = error
local pairs = pairs
local select = select

local YIELDABLE = phases.YIELDABLE

for name, method in pairs(receive) do
    tcp.methods[name] = method
end


local function new_tcp(...)
    if select("#", ...) > 0 then
        error("expecting zero arguments, but got " .. select("#", ...), 2)
    end
    check(YIELDABLE)
    return tcp.new()
end


local function new_udp(...)
    if select("#", ...) > 0 then
        error("expecting zero arguments, but got " .. select("#", ...), 2)
    end
    check(YIELDABLE)
    return udp.new()
end


-- ngx.socket.connect(host, port): a connected socket | nil, err.
local function connect(...)
    check(YIELDABLE)
    local socket = tcp.new()
    local ok, err = socket:connect(...)
    if not ok then
        return nil, err
    end
    return socket
end


local _M = {}


function _M.install(ngx)
    ngx.socket = {tcp = new_tcp, stream = new_tcp, connect = connect,
                  udp = new_udp}
end


return _M
