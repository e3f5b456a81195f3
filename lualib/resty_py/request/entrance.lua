-- How a request comes in: what a listener calls.
--
--   serve(downstream, head)   a request whose head has been read
--   refuse(downstream, head, code, reason, without_answer)
--                             one that could not be read
--   conclude(r)               its response has left, or is lost
--
-- Follows ngx_http_process_request and ngx_http_set_virtual_server.

local ending = require "resty_py.request.ending"
local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local native = require "resty_py.native"
local request = require "resty_py.request"
local steps = require "resty_py.request.steps"

local _M = {conclude = ending.conclude}


-- What a client has come to, where others listen on the same port.
local function find_other(downstream, endpoint)
    local found = downstream.endpoint
    if not found then
        local host = native.net["local"](downstream.connection.fd)
        found = endpoint.others[host] or endpoint
        downstream.endpoint = found
    end
    return found
end


local function new(downstream, head, host)
    local r = request.new(downstream, head)
    local endpoint = downstream.listener.endpoint
    if endpoint.others then
        endpoint = find_other(downstream, endpoint)
    end
    local server = endpoint.only or endpoint:find(r, host)
    r.server = server
    r.location = server.base
    r.settings = server.base.settings
    downstream.settings = r.settings
    r.abandon = engine.abandon
    return r
end


function _M.serve(downstream, head)
    local r = new(downstream, head, head.host or "")
    downstream.request = r
    return steps.begin(r)
end


-- head: what is known of it (http/fragment.lua).
function _M.refuse(downstream, head, code, reason, without_answer)
    local r = new(downstream, head, head.host or head.is_whole and "" or nil)
    log.request(r, log.INFO, reason)
    r.linger = true
    if without_answer then
        r.status = code
        return ending.complete(r, true)
    end
    return engine.finalize(r, code)
end


return _M
