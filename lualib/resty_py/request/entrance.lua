-- How a request comes in: what a listener calls.
--
--   serve(downstream, head)   a request whose head has been read
--   refuse(downstream, head, code, reason, without_answer)
--                             one that could not be read
--   conclude(r)               its response has left, or is lost
--   secure(downstream, timeout)   begins a handshake (http/secure.lua)
--   unwrap(downstream, timeout)   awaits what a proxy tells of the client
--                             (http/proxy_protocol.lua)
--
-- Follows ngx_http_process_request and ngx_http_set_virtual_server.

local ending = require "resty_py.request.ending"
local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local proxy_protocol = require "resty_py.http.proxy_protocol"
local request = require "resty_py.request"
local secure = require "resty_py.http.secure"
local steps = require "resty_py.request.steps"

local _M = {conclude = ending.conclude, secure = secure.begin,
            unwrap = proxy_protocol.begin}


-- Puts the server in force that the Host header names.
local function choose(r, server)
    local record = server.base
    r.server, r.location, r.settings = server, record, record.settings
    r.downstream.settings = record.settings
end


local function new(downstream, head, host)
    local endpoint = downstream.listener.endpoint
    if endpoint.others then
        endpoint = downstream:own_endpoint()
    end
    local server = endpoint.only
    if server then
        downstream.settings = server.base.settings
        return request.new(downstream, head, server)
    end
    local r = request.new(downstream, head, endpoint.default)
    choose(r, endpoint:find(r, host))
    return r
end


function _M.serve(downstream, head)
    local r = new(downstream, head, head.host or "")
    downstream.request = r
    if downstream.listener.secure then
        local code = secure.refusal(r)
        if code then
            return engine.finalize(r, code)
        end
    end
    return steps.begin(r)
end


-- head: what is known of it (http/fragment.lua).
function _M.refuse(downstream, head, code, reason, without_answer)
    local r = new(downstream, head, head.host or head.is_whole and "" or nil)
    downstream.request = r
    log.request(r, log.INFO, reason)
    r.linger = true
    if without_answer then
        r.status = code
        return ending.complete(r, true)
    end
    return engine.finalize(r, code)
end


return _M
