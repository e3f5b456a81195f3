-- How a request ends: once, whatever way it came there.
--
--   kill_threads(r)    ends its light threads where they are
--   close_sockets(r)   closes its cosockets
--   complete(r, cut)   its response is complete, or will never be
--   cut(r, code)       closes the connection without another word
--   finish(r)          ends the response as the handler left it
--   conclude(r)        logs it, when its response has left or is lost
--
-- Rules:
--
-- 1. complete() runs once for a request: cosockets are closed, the rest of
--    the body is taken off the connection, and the downstream goes on or
--    closes. That of a subrequest tells who waits for it.
-- 2. The log phase comes when the response has left, and after it the request
--    is counted no more where it was: `counted` (modules/limit/conn.lua).

local access_log = require "resty_py.request.access_log"
local body = require "resty_py.request.body"
local handler = require "resty_py.program.handler"
local hooks = require "resty_py.request.hooks"
local log = require "resty_py.log"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local kill = scheduler.kill
local pairs = pairs

local POSTPONED = response.POSTPONED

-- It leans on this module itself.
local postponed

local _M = {}


function _M.close_sockets(r)
    local sockets = r.sockets
    if sockets then
        for i = 1, #sockets do
            sockets[i]:release()
        end
        r.sockets = nil
    end
end


function _M.kill_threads(r)
    local threads = r.threads
    r.entries = (r.entries or 0) + 1
    if threads then
        for thread in pairs(threads) do
            kill(thread)
        end
        r.threads = nil
    end
    if r.entry then
        kill(r.entry)
        r.entry = nil
    end
    r.alive = 0
end


local function run_log_by_lua(r, code)
    if log.debugs(r) then
        log.handler(r, "lua log handler")
    end
    local chunk = handler.chunk(code, r)
    if chunk then
        hooks.run(r, "log", chunk)
        _M.close_sockets(r)
    end
end


function _M.conclude(r)
    r.phase = "log"
    local location = r.location
    local code = location and location.hooks.log
    if code then
        run_log_by_lua(r, code)
    end
    if r.settings.access_logs then
        access_log.write(r)
    end
    local counted = r.counted
    if counted then
        r.counted = nil
        counted:release()
    end
end


local function complete_main(r, cut)
    r.connection.watcher = nil
    local downstream = r.downstream
    downstream.ending = r
    downstream.settings = r.settings
    body.clean_up(r)
    if cut or downstream.failed then
        return downstream:cut()
    elseif not downstream.pending then
        downstream:conclude()
    end
    return body.leave(r)
end


function _M.complete(r, cut)
    r.terminated = true
    _M.close_sockets(r)
    if r.parent then
        return r:completed(cut)
    end
    return complete_main(r, cut)
end


local complete = _M.complete


-- The log tells the code where nothing of a response has left.
function _M.cut(r, code)
    if code > 0 and (r.status == 0 or r.sent == 0 and not r.parent) then
        r.status = code
    end
    if r.parent then
        r.cut_by = code
    end
    return complete(r, true)
end


-- The subrequests that a filter has added are done.
local function conclude_response(r)
    response.conclude(r)
    return complete(r, r.filter_failed and r.headers_sent)
end


function _M.finish(r)
    if r.expecting and r.body_state == "unread" then
        body.invite(r)
    end
    local _, err = response.finish(r)
    if err == POSTPONED then
        postponed = postponed or require "resty_py.request.postponed"
        return postponed.after(r, conclude_response)
    end
    return complete(r, r.filter_failed and r.headers_sent)
end


return _M
