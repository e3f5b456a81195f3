-- An upgraded connection: after a 101 bytes pass both ways, whatever they are.
--
--   is_asked_for(r, u)   whether the client has asked for what the upstream
--                        agrees to
--   pass(r, u)           until one side ends, or says nothing for
--                        proxy_read_timeout
--
-- Rules:
--
-- 1. One light thread reads the upstream, another the client. The first to
--    end ends both.
-- 2. What the client has sent behind its request goes first.
--
-- Follows ngx_http_upstream_upgrade and ngx_http_upstream_process_upgraded.

local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local kill = scheduler.kill

local SWITCHING = 101
local READ_SIZE = 65536

local _M = {}


function _M.is_asked_for(r, u)
    if u.head.status ~= SWITCHING or r.parent or u.is_unsent then
        return false
    end
    local fields = r.head.fields
    for i = 1, fields.n do
        if fields[i].lower == "upgrade" then
            return true
        end
    end
    return false
end


local function to_upstream(r, u, timeout)
    local client = r.connection
    local data, err = client:take_buffer(), nil
    while data and u.connection do
        if data ~= "" then
            u.state.sent = u.state.sent + #data
            if not u.connection:write(data, timeout, u) then
                return
            end
        end
        data, err = client:read_some(READ_SIZE, timeout)
    end
    return err
end


local function to_client(r, u, timeout)
    local downstream = r.downstream
    local data, err = u.rest, nil
    while data do
        if data ~= "" then
            r.sent = r.sent + #data
            if not downstream:send(data)
                or not downstream:push_back(r.settings.output_low_water)
            then
                return
            end
        end
        if not u.connection then
            return
        end
        data, err = u.connection:read_some(READ_SIZE, timeout, u)
        u.state.received = u.state.received + #(data or "")
    end
    if err == "timeout" then
        u.action = "proxying upgraded connection"
        u:log(log.INFO, "upstream timed out (110: Connection timed out)")
    end
end


-- The client has ended: so does the upstream, which its reader is told.
local function client_ended(thread)
    local r = thread.request
    local u = r.upstream
    if r.threads then
        r.threads[thread] = nil
    end
    if u.connection then
        u:release()
    end
end


function _M.pass(r, u)
    local timeout = u.read_timeout or r.settings.proxy_read_timeout
    r.connection.watcher = nil
    r.threads = r.threads or {}
    local thread = scheduler.start(r, scheduler.current, client_ended,
                                   to_upstream, r, u, timeout)
    if not thread.dead then
        r.threads[thread] = true
    end
    to_client(r, u, timeout)
    kill(thread)
    r.downstream:push_back(0)
end


return _M
