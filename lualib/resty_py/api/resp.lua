-- What ngx.resp and resty.core.response have beside ngx.header and ngx.status.
--
--   set_header(_, name, value, no_override)
--                       sets a header; with no_override adds one
--   set_status(status, reason)
--                       the status, and the phrase behind it in the status
--                       line; nginx's own without one
--   bypass_if_checks()  the response is sent whatever If-Modified-Since and
--                       its kin ask for
--
-- Errors blame the caller of the function that calls these, which is a user's
-- own where it is tail-called.
--
-- Follows lua-resty-core's response.lua and ngx_http_lua_ffi_bypass_if_checks.

local header = require "resty_py.api.header"
local log = require "resty_py.log"
local magic = require "resty_py.api.magic"
local phases = require "resty_py.request.phases"
local response = require "resty_py.http.response"
local scalar = require "resty_py.api.scalar"

local add = header.add
local client = phases.client
local error = error
local gsub = string.gsub
local is_sent = response.is_sent
local set = header.set
local to_text = scalar.any

local _M = {}


function _M.set_header(_, name, value, no_override)
    local r = client()
    if value == nil and no_override then
        error("invalid header value", 2)
    end
    local change = no_override and add or set
    local err = change(r, name, value)
    if err then
        error(err, 2)
    end
end


-- A phrase is one line.
local function phrase_of(reason)
    return " " .. gsub(to_text(reason), "[%z\1-\31\127]", " ")
end


function _M.set_status(status, reason)
    local r = client()
    if is_sent(r) then
        log.request(r, log.ERR, "attempt to set ngx.status after sending out "
                    .. "response headers")
        return
    end
    magic.set("status", status)
    if reason ~= nil then
        r.reason, r.reason_status = phrase_of(reason), r.status
    end
end


function _M.bypass_if_checks()
    local r = client()
    r.is_unconditional = true
end


return _M
