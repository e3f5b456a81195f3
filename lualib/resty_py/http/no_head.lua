-- What becomes of a client that sends no head, or not all of one.
--
--   timed_out(downstream)          its time is over
--   broken_off(downstream, err)    nothing more comes: as read_now() says
--
-- One that was idle between requests is closed, which is logged as nginx logs
-- it; one in the middle of a head gets 408 or 400.
--
-- Follows ngx_http_wait_request_handler, ngx_http_keepalive_handler and
-- ngx_http_read_request_header.

local client_host = require "resty_py.net.address".text
local log = require "resty_py.log"

local error_of = log.error_of
local failed_call = log.failed_call
local find = string.find

-- The number of "connection reset by peer".
local RESET = 104

local TIMED_OUT = "client timed out (110: Connection timed out)"

local _M = {}


-- What nginx logs behind a fault in a head: what it was doing.
local function activity(self)
    local connection = self.connection
    local buffer = connection.buffer
    local first = find(buffer, "[^\r\n]", connection.position)
    return first and find(buffer, "\n", first, true)
        and " while reading client request headers"
        or " while reading client request line"
end


local function idle_timed_out(self)
    if self.requests == 0 then
        log.connection(self, log.INFO,
                       TIMED_OUT .. " while waiting for request")
    end
    return self:close()
end


function _M.timed_out(self)
    if self.connection:is_drained() then
        return idle_timed_out(self)
    end
    return self:refuse(408, TIMED_OUT .. activity(self), true)
end


-- The client has ended a connection on which no request had begun. Between
-- requests a reset is as good a way as any.
local function idle_closed(self, err)
    local is_first = self.requests == 0
    local code = self.connection.code
    local is_reset = err ~= "closed" and code == RESET and not is_first
    if err ~= "closed" and not is_reset then
        local failure = failed_call("recv", err, code)
        log.connection(self, log.INFO, failure
                       .. (is_first and " while waiting for request"
                           or " while keepalive"))
    elseif is_first then
        log.connection(self, log.INFO, "client closed connection while "
                       .. "waiting for request")
    else
        log.plain(self, log.INFO, "client " .. client_host(self.address)
                   .. " closed keepalive connection"
                   .. (is_reset and error_of(err, code) or ""))
    end
    return self:close()
end


function _M.broken_off(self, err)
    if self.connection:is_drained() then
        return idle_closed(self, err)
    end
    local reason = err == "closed" and "client prematurely closed connection"
        or failed_call("recv", err, self.connection.code)
    return self:refuse(400, reason .. activity(self), true)
end


return _M
