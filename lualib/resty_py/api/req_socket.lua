-- ngx.req.socket.
--
-- Follows ngx_http_lua_req_socket; see net/request_socket.lua.

local phases = require "resty_py.request.phases"
local request_socket = require "resty_py.net.request_socket"

local check = phases.check
local error = error
local select = select

local OUTPUT = phases.OUTPUT


-- ngx.req.socket(raw?): a cosocket over the client's connection | nil, err.
local function socket(...)
    if select("#", ...) > 1 then
        error("expecting zero arguments, but got " .. select("#", ...), 2)
    end
    local r = check(OUTPUT)
    if (...) then
        return request_socket.raw(r)
    end
    return request_socket.body(r)
end


local _M = {}


function _M.install(ngx)
    ngx.req = ngx.req or {}
    ngx.req.socket = socket
end


return _M
