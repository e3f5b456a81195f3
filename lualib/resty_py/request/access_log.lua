-- The access log: one line a request, in nginx's combined format.
--
-- What the client sent is escaped as nginx's log_format escape=default.

local address = require "resty_py.net.address"
local clock = require "resty_py.clock"
local httptime = require "resty_py.codec.httptime"
local log = require "resty_py.log"
local native = require "resty_py.native"

local bytes_sent = require "resty_py.http.response".bytes_sent
local escape = log.escape
local get = require "resty_py.http.head".get
local access_stamp = httptime.access_stamp
local max = math.max
local variable = require "resty_py.request.variables".get
local write = native.access and native.access.write

local _M = {}


local function header(r, name)
    local value = get(r.head, name)
    return value and escape(value) or "-"
end


local function user(r)
    local name = variable(r, "remote_user")
    return name and name ~= "" and escape(name) or "-"
end


local function combined(r)
    local line = escape(r.head.request_line)
    local size = max(0, bytes_sent(r) - r.head_size)
    return address.text(r.downstream.address) .. " - " .. user(r) .. " ["
        .. access_stamp(clock.wall) .. '] "' .. line .. '" '
        .. variable(r, "status") .. " " .. size .. ' "'
        .. header(r, "referer") .. '" "' .. header(r, "user-agent") .. '"\n'
end


-- Writes the line of a request that has ended.
function _M.write(r)
    if r.settings.access_log then
        write(combined(r))
    end
end


return _M
