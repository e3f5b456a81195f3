-- The request engine: runs a request's handlers in light threads and ends it.
--
-- Rules:
--
-- 1. A phase has one entry thread; it may spawn others. The phase is over
--    when all of them have ended.
-- 2. An error in the entry thread ends the request: 500 while the headers
--    can still say so, else the connection is cut. An error in a spawned
--    thread is logged and is the answer of whoever waits for it.
-- 3. exit, redirect and a lost client end the request from outside its
--    threads: all of them are killed where they are parked, none resumes.
-- 4. Whatever way it ends, complete() runs once: sockets are closed, the
--    access log line is written, the rest of the body is taken off the
--    connection, and the downstream goes on or closes.

local abort = require "resty_py.request.abort"
local access_log = require "resty_py.request.access_log"
local body = require "resty_py.request.body"
local log = require "resty_py.log"
local request = require "resty_py.request"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local kill = scheduler.kill
local pairs = pairs
local start = scheduler.start
local tostring = tostring
local type = type

local OK = 0

-- Codes that cut the connection in place of answering. What is no status of
-- a response (DECLINED, 1xx) does as well, where none has begun.
local CUTTING = {[-1] = true, [408] = true, [444] = true, [499] = true}

local _M = {}


-- Ending --------------------------------------------------------------------


local function close_sockets(r)
    local sockets = r.sockets
    if sockets then
        for i = 1, #sockets do
            sockets[i]:release()
        end
        r.sockets = nil
    end
end


local function kill_threads(r)
    local threads = r.threads
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


-- Logs a request whose response has left, or never will.
function _M.conclude(r)
    r.phase = "log"
    access_log.write(r)
end


-- Ends a request whose response is complete, or will never be.
--   cut  close the connection without another word
local function complete(r, cut)
    r.terminated = true
    r.connection.watcher = nil
    local downstream = r.downstream
    close_sockets(r)
    body.clean_up(r)
    downstream.ending = r
    if cut or downstream.failed then
        return downstream:cut()
    elseif not downstream.pending then
        downstream:conclude()
    end
    return body.leave(r)
end


-- Closes the connection without another word. The log tells the code where
-- nothing of a response has left.
local function cut(r, code)
    if code > 0 and (r.status == 0 or r.sent == 0) then
        r.status = code
    end
    return complete(r, true)
end


-- Ends the response as the handler left it.
local function finish(r)
    if r.expecting and r.body_state == "unread" then
        body.invite(r)
    end
    response.finish(r)
    return complete(r)
end


-- Ends the request with an error page, or cuts it short where the headers are
-- out: what postpone_output held back is lost then, as nginx loses it.
local function fail(r, code)
    if response.is_sent(r) then
        return complete(r, true)
    end
    response.send_special(r, code)
    return complete(r)
end


local function exit_before_headers(r, code)
    if r.status == 0 and code >= 200 then
        r.status = code
    end
    if code >= 300 or code == 204 then
        response.send_special(r, code)
        return complete(r)
    end
    return finish(r)
end


-- Kills the request's threads and ends it as ngx.exit(code) says.
--   thread   the one that asks; it has left its coroutine for good
function _M.exit(thread, code)
    local r = thread.request
    kill(thread)
    kill_threads(r)
    if not r.head then
        return r:over()
    elseif CUTTING[code] or code ~= OK and code < 200 and not r.headers_sent
    then
        return cut(r, code)
    elseif r.headers_sent or r.buffering then
        return finish(r)
    end
    return exit_before_headers(r, code)
end


-- Ends a request whose client is gone.
function _M.abandon(r)
    if not r.terminated then
        kill_threads(r)
        return cut(r, 499)
    end
end


-- Threads -------------------------------------------------------------------


-- What Lua 5.5 makes of the error nil.
local NO_ERROR_OBJECT = "<no error object>"


-- OpenResty logs nothing of an error that is neither string nor number.
local function message(err)
    local kind = type(err)
    if kind == "number" or kind == "string" and err ~= NO_ERROR_OBJECT then
        return tostring(err)
    end
    return "unknown reason"
end


local function log_abort(r, kind, err, trace)
    log.request(r, log.ERR, "lua " .. kind .. " thread aborted: runtime error: "
                .. message(err) .. "\nstack traceback:\ncoroutine 0:"
                .. (trace:match("\n.*") or ""))
end


local function thread_over(r)
    r.alive = r.alive - 1
    if r.alive == 0 and not r.terminated then
        return r:over()
    end
end


local function entry_ended(thread, ok, err, trace)
    local r = thread.request
    r.entry = nil
    if ok then
        return thread_over(r)
    end
    log_abort(r, "entry", err, trace)
    kill_threads(r)
    return fail(r, 500)
end


local function callback_ended(thread, ok, err, trace)
    local r = thread.request
    if r.threads then
        r.threads[thread] = nil
    end
    if not ok then
        log_abort(r, "user", err, trace)
    end
    return thread_over(r)
end


-- Calls the user's ngx.on_abort function in a light thread, once.
local function run_on_abort(r)
    local callback = r.on_abort
    r.on_abort = false
    r.alive = r.alive + 1
    r.threads = r.threads or {}
    local thread = start(r, nil, callback_ended, callback)
    if not thread.dead then
        r.threads[thread] = true
    end
end


-- The client has left while its request is served.
local function client_gone(r)
    if r.on_abort then
        return run_on_abort(r)
    elseif r.on_abort == nil then
        return _M.abandon(r)
    end
end


-- Notes the entry thread of r, which has run up to its first wait. A thread
-- that it spawned may have ended the request by now.
local function enter(r, thread)
    if r.terminated then
        kill(thread)
    elseif not thread.dead then
        r.entry = thread
    end
end


_M.close_sockets = close_sockets
_M.enter = enter
_M.kill_threads = kill_threads
_M.log_abort = log_abort
_M.thread_over = thread_over


-- Starting ------------------------------------------------------------------


-- What runs in place of the content handler: lua_need_request_body.
local function read_body_first()
    local r = scheduler.current.request
    local ok, code = body.read(r)
    if not ok then
        return scheduler.leave(_M.exit, code)
    end
    return r.settings.content_handler()
end


local function run_content(r)
    r.alive = 1
    if r.settings.lua_check_client_abort then
        abort.watch(r, client_gone)
    end
    local settings = r.settings
    local handler = settings.lua_need_request_body and read_body_first
        or settings.content_handler
    return enter(r, start(r, nil, entry_ended, handler))
end


-- Serves a request whose head has been read.
function _M.serve(downstream, head)
    local r = request.new(downstream, head)
    r.over = finish
    r.abandon = _M.abandon
    downstream.request = r
    local length = head.content_length
    local most = r.settings.client_max_body_size
    if length and most > 0 and length > most then
        log.request(r, log.ERR, "client intended to send too large body: "
                    .. length .. " bytes")
        return fail(r, 413)
    end
    return run_content(r)
end


-- Ends a request that could not be read.
--   head     what is known of it (http/fragment.lua)
--   code     its status
--   reason   what is logged
function _M.refuse(downstream, head, code, reason, without_answer)
    local r = request.new(downstream, head)
    log.request(r, log.INFO, reason)
    if without_answer then
        r.status = code
    else
        response.send_special(r, code)
    end
    r.linger = true
    return complete(r, without_answer)
end


return _M
