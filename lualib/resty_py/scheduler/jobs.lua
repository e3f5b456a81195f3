-- Jobs: Lua that Python asked the worker to run, in a light thread of its
-- own that has no client, like a timer's.
--
--   start(token, what, …)   what: source text, or "module:function"
--                           (is_source false); answers by native.jobs.done
--   cancel(token)           kills the job's light threads

local ending = require "resty_py.request.ending"
local engine = require "resty_py.request.engine"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local settings = require "resty_py.settings"

local error = error
local loadstring = loadstring or load
local pcall = pcall
local require = require
local select = select
local tostring = tostring
local unpack = unpack or table.unpack  -- luacheck: ignore 143

local running = {}

local _M = {count = 0}


local function over(r)
    if not r.terminated then
        r.terminated = true
        running[r.token] = nil
        _M.count = _M.count - 1
        ending.close_sockets(r)
        native.jobs.done(r.token, r.succeeded, r.answer())
    end
end


local function keep(...)
    local n, values = select("#", ...), {...}
    return function()
        return unpack(values, 1, n)
    end
end


-- What an error says; its own __tostring may fail, too.
local function text_of(err)
    local ok, text = pcall(tostring, err)
    return ok and text or "error object is not a string"
end


local function ended(thread, ok, ...)
    local r = thread.request
    r.entry = nil
    r.succeeded = ok
    if ok then
        r.answer = keep(...)
    else
        local err, trace = ...
        r.answer = keep(text_of(err), trace)
    end
    return engine.thread_over(r)
end


local function find(what, is_source, name)
    if is_source then
        local chunk, err = loadstring(what, name)
        return chunk or error(err, 0)
    end
    local module, f = what:match("^([^:]+):(.+)$")
    return require(module)[f]
        or error("module '" .. module .. "' has no function '" .. f .. "'", 0)
end


local function run(what, is_source, name, ...)
    return find(what, is_source, name)(...)
end


-- Starts a job.
--   what, is_source   source text, or "module:function"
--   name              chunk name of the source
function _M.start(token, what, is_source, name, ...)
    local r = {
        phase = "timer",
        is_timer = true,
        settings = settings.main,
        token = token,
        alive = 1,
        over = over,
        terminated = false,
        entry = nil,
        threads = nil,
        sockets = nil,
        ctx = nil,
        -- What a job answers that ngx.exit ended.
        succeeded = true,
        answer = keep(),
    }
    running[token] = r
    _M.count = _M.count + 1
    local thread = scheduler.start(r, nil, ended, run, what, is_source, name,
                                   ...)
    return engine.enter(r, thread, nil)
end


-- Kills the job of `token`, if it still runs; it then answers nothing.
function _M.cancel(token)
    local r = running[token]
    if r then
        r.terminated = true
        running[token] = nil
        _M.count = _M.count - 1
        ending.kill_threads(r)
        ending.close_sockets(r)
    end
end


return _M
