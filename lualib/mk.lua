-- The API of Monkey's Lua plugin (monkey_lua), over the same engine: scripts
-- written for it run here, each in a light thread of its own.
--
--   mk.print(...)      adds a piece to the response; pieces are joined by "\n"
--   mk.request         what the client asks: see resty_py/mk/request.lua
--   mk.response        status and headers, sent when the script has ended
--   mk.cookies         get_cookies(), set_cookie {…}
--   mk.config          what the server is: see resty_py/mk/config.lua
--   mk.run(f)          runs a script: calls f(), then sends the response
--
-- It works where `ngx` may be used to answer a request. Under
-- `resty-py app.lua --api mk` it is a global, and the script is run by run().
-- What scripts share is one table for all requests, so the fields above are
-- looked up in the request that asks.

local config = require "resty_py.mk.config"
local cookies = require "resty_py.mk.cookies"
local request = require "resty_py.mk.request"

local concat = table.concat
local floor = math.floor
local ngx = ngx
local pairs = pairs
local rawset = rawset
local select = select
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring

local OK = 200

local _M = {config = config.new()}


-- What the script of the current request has made so far.
local function state()
    local ctx = ngx.ctx
    local own = ctx.mk
    if not own then
        own = {
            pieces = {},
            request = request.new(),
            response = {status = OK, headers = {}},
            new_cookies = {},
        }
        own.cookies = cookies.new(own.new_cookies)
        ctx.mk = own
    end
    return own
end


function _M.print(...)
    local pieces = state().pieces
    for i = 1, select("#", ...) do
        pieces[#pieces + 1] = tostring((select(i, ...)))
    end
end


-- Sends what the script has made, all at once.
local function send(own)
    local body = concat(own.pieces, "\n")
    ngx.status = floor(tonumber(own.response.status) or OK)
    for name, value in pairs(own.response.headers) do
        ngx.header[name] = tostring(value)
    end
    if #own.new_cookies > 0 then
        ngx.header["Set-Cookie"] = own.new_cookies
    end
    ngx.header["Content-Length"] = #body
    ngx.print(body)
end


function _M.run(f)
    local own = state()
    f()
    return send(own)
end


local PARTS = {request = true, response = true, cookies = true}


return setmetatable(_M, {
    __index = function(_, name)
        return PARTS[name] and state()[name] or nil
    end,
    __newindex = function(self, name, value)
        if PARTS[name] then
            state()[name] = value
        else
            rawset(self, name, value)
        end
    end,
})
