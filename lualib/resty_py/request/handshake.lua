-- The handlers of a client's handshake: ssl_client_hello_by_lua,
-- ssl_certificate_by_lua and ssl_session_fetch_by_lua, and
-- ssl_session_store_by_lua, which cannot wait.
--
--   run(downstream, server, phase, code, fields, done)
--                     runs one in a light thread; done(r, rc) is called once:
--                     rc is 0, or negative where the handshake is to end.
--                     Returns r where it waits
--   abandon(r)        ends one that waits; done() is not called
--   run_in_place(downstream, server, phase, code, fields)
--                     runs one that cannot wait
--     fields          more that is known of the handshake, or nil: session_id,
--                     session
--
-- What its light threads see as their request has no head. Rules:
--
-- 1. An error in the handler ends the handshake, and is logged.
-- 2. ngx.ctx is the connection's own: its requests see it.
--
-- Follows ngx_http_lua_ssl_cert_handler and its kin.

local ending = require "resty_py.request.ending"
local engine = require "resty_py.request.engine"
local handler = require "resty_py.program.handler"
local hooks = require "resty_py.request.hooks"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local format = string.format
local pairs = pairs

local ERROR, OK = -1, 0
local SPECIAL_RESPONSE, INTERNAL_SERVER_ERROR = 300, 500

-- What debug lines call a handler, and the answer to OpenSSL.
local NAMES = {
    ssl_cert = {"lua_certificate_by_lua", "cert cb"},
    ssl_client_hello = {"lua_client_hello_by_lua", "client hello cb"},
    ssl_session_fetch = {"ssl_session_fetch_by_lua*", "sess get cb"},
    ssl_session_store = {"ssl_session_store_by_lua*", "sess new cb"},
}

local _M = {}


local function new(downstream, server, phase, fields)
    local r = {
        phase = phase,
        is_handshake = true,
        number = downstream.number,
        downstream = downstream,
        connection = downstream.connection,
        settings = server.base.settings,
        server = server,
        alive = 1,
        entries = 0,
        terminated = false,
        is_started = false,
        failed = false,
        entry = nil,
        threads = nil,
        sockets = nil,
        ctx = downstream.ctx,
    }
    for name, value in pairs(fields or {}) do
        r[name] = value
    end
    return r
end


-- Says in a debug line what the handler has come to; rc: nil where it waited.
local function tell(r, rc, ok)
    local name, callback = NAMES[r.phase][1], NAMES[r.phase][2]
    local result = rc and format("handler return value: %d, ", rc) or ""
    log.debug(r, format("%s: %s%s exit code: %d", name, result, callback,
                        ok and 1 or 0))
end


local function finish(r, rc, ok)
    if log.debugs(r) then
        tell(r, not r.is_started and rc or nil, ok)
    end
    r.downstream.ctx = r.ctx
    return r:done(ok and OK or ERROR)
end


-- rc: what ngx.exit was told, nil where the handler ran to its end.
local function over(r, rc)
    r.terminated = true
    ending.close_sockets(r)
    if r.failed then
        return finish(r, INTERNAL_SERVER_ERROR, false)
    end
    rc = rc or OK
    return finish(r, rc, rc ~= ERROR and rc < SPECIAL_RESPONSE)
end


local function handler_ended(thread, ok, err, trace)
    local r = thread.request
    r.entry = nil
    if not ok then
        engine.log_abort(r, "entry", err, trace)
        engine.kill_threads(r)
        r.failed = true
        r.alive = 1
    end
    return engine.thread_over(r)
end


function _M.run(downstream, server, phase, code, fields, done)
    local r = new(downstream, server, phase, fields)
    r.over = over
    r.done = done
    local chunk, err = handler.load(code)
    if not chunk then
        log.request(r, log.ERR, err)
        return done(r, ERROR)
    end
    local thread = scheduler.start(r, nil, handler_ended, chunk)
    r.is_started = true
    engine.enter(r, thread, OK)
    return not r.terminated and r or nil
end


function _M.abandon(r)
    r.terminated = true
    engine.kill_threads(r)
    ending.close_sockets(r)
end


function _M.run_in_place(downstream, server, phase, code, fields)
    local r = new(downstream, server, phase, fields)
    local chunk, err = handler.load(code)
    if not chunk then
        return log.request(r, log.ERR, err)
    end
    local ok, value = hooks.call(r, phase, chunk)
    if not ok then
        log.request(r, log.ERR, "failed to run session_store_by_lua*: "
                    .. value)
    end
    if log.debugs(r) then
        tell(r, ok and OK or INTERNAL_SERVER_ERROR, false)
    end
    ending.close_sockets(r)
end


return _M
