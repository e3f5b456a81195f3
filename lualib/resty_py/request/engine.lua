-- The request engine: runs a request's handlers in light threads.
--
-- Rules:
--
-- 1. A handler has one entry thread; it may spawn others. It is over when all
--    of them have ended; then r.over(r, rc) says what follows.
-- 2. An error in the entry thread ends the request: 500 while the headers
--    can still say so, else the connection is cut. An error in a spawned
--    thread is logged and is the answer of whoever waits for it.
-- 3. exit, redirect and a lost client end the handler from outside its
--    threads: all of them are killed where they are parked, none resumes.
-- 4. How the request ends is said in finalize.lua, and done in ending.lua.

local abort = require "resty_py.request.abort"
local body = require "resty_py.request.body"
local ending = require "resty_py.request.ending"
local finalize = require "resty_py.request.finalize".finalize
local log = require "resty_py.log"
local request = require "resty_py.request"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local cut = ending.cut
local getinfo = debug.getinfo
local gsub = string.gsub
local kill = scheduler.kill
local kill_threads = ending.kill_threads
local start = scheduler.start
local sub = string.sub
local tostring = tostring
local type = type

local OK, HTTP_OK, NO_CONTENT, SPECIAL = 0, 200, 204, 300
local INTERNAL_SERVER_ERROR = 500

-- Codes that cut the connection in whatever state the response is.
local ABORTING = {[-1] = true, [408] = true, [444] = true, [499] = true}

-- It leans on this module itself.
local postponed

local _M = {}


-- Leaving -------------------------------------------------------------------


-- Returns what ngx.exit(code) makes of a response: ngx_http_lua_handle_exit.
local function settle(r, code)
    if not r.headers_sent and r.status == 0 and code >= HTTP_OK then
        r.status = code
    end
    if r.buffering and not ABORTING[code] then
        response.finish(r)
        return code >= HTTP_OK and HTTP_OK or code
    end
    if code == OK and r.phase == "content"
       or code >= HTTP_OK and code < SPECIAL and code ~= NO_CONTENT then
        response.finish(r)
    end
    if r.headers_sent and code > OK and not ABORTING[code] then
        return r.phase == "content" and OK or HTTP_OK
    end
    return code
end


-- Kills the request's threads and ends its handler as ngx.exit(code) says.
--   thread   the one that asks; it has left its coroutine for good
function _M.exit(thread, code)
    local r = thread.request
    kill(thread)
    kill_threads(r)
    if not r.head then
        return r:over(code)
    end
    return r:over(settle(r, code))
end


-- Ends a request whose client is gone.
function _M.abandon(r)
    if not r.terminated then
        kill_threads(r)
        return cut(r, 499)
    end
end


request.defaults.abandon = _M.abandon


-- Threads -------------------------------------------------------------------


-- What Lua 5.5 makes of the error nil.
local NO_ERROR_OBJECT = "<no error object>"


local BASE = getinfo(scheduler.base, "S").short_src .. ":"


-- Whoever tail-calls the API from a handler's own code has no place: that of
-- what called the handler does not count.
local function without_base(err)
    if sub(err, 1, #BASE) ~= BASE then
        return err
    end
    return (gsub(sub(err, #BASE + 1), "^%d+: ", ""))
end


-- OpenResty logs nothing of an error that is neither string nor number.
local function message(err)
    local kind = type(err)
    if kind == "string" and err ~= NO_ERROR_OBJECT then
        return without_base(err)
    end
    return kind == "number" and tostring(err) or "unknown reason"
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
    return finalize(r, INTERNAL_SERVER_ERROR)
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


-- Notes the entry thread of r, which has run up to its first wait. It may
-- have been ended by a thread that it spawned: `entries` counts that.
local function enter(r, thread, entries)
    if r.terminated or r.entries ~= entries then
        kill(thread)
    elseif not thread.dead then
        r.entry = thread
    end
end


_M.enter = enter
_M.finalize = finalize
_M.kill_threads = kill_threads
_M.log_abort = log_abort
_M.thread_over = thread_over


-- Starting ------------------------------------------------------------------


-- What runs in place of a handler: lua_need_request_body.
local function reading_first(chunk)
    return function()
        local r = scheduler.current.request
        local ok, code = body.read(r)
        if not ok then
            return scheduler.leave(_M.exit, code)
        end
        return chunk()
    end
end


-- Runs a phase's handler.
--   chunk     a Lua function of the configuration
--   over      f(r, rc), called once: rc is nil where it ran to its end
function _M.run(r, phase, chunk, over)
    local settings = r.settings
    r.phase = phase
    r.over = over
    r.alive = 1
    if settings.lua_check_client_abort and not r.parent then
        abort.watch(r, client_gone)
    end
    if settings.lua_need_request_body and r.body_state == "unread" then
        chunk = reading_first(chunk)
    end
    local entries = r.entries
    return enter(r, start(r, nil, entry_ended, chunk), entries)
end


local function native_ended(thread, ok, rc, trace)
    local r = thread.request
    r.entry = nil
    r.alive = 0
    if ok then
        return finalize(r, rc or OK)
    end
    log.request(r, log.ALERT, "internal error: " .. tostring(rc) .. trace)
    return finalize(r, INTERNAL_SERVER_ERROR)
end


-- Subrequests that it has begun come to their end before it does.
local function run_native(r, serve)
    local rc = serve(r)
    if r.postponed then
        postponed = postponed or require "resty_py.request.postponed"
        postponed.join(r)
    end
    return rc
end


-- Runs a content handler of the runtime's own: serve(r) -> status or nil.
function _M.run_native(r, serve)
    r.phase = "content"
    r.over = finalize
    r.alive = 1
    local entries = r.entries
    return enter(r, start(r, nil, native_ended, run_native, r, serve), entries)
end


return _M
