-- Handlers that cannot wait: set_by_lua, header_filter_by_lua,
-- body_filter_by_lua, log_by_lua and those of the worker's life.
--
--   run(r, phase, chunk)        ok, what it returned; an error is logged
--   run_set(r, chunk, args)     the same for set_by_lua: ngx.arg is args
--   context(phase, settings)    a request of no client, for init_worker_by_lua
--   run_plain(phase, chunk, settings)   ok | nil, the error: a worker's own
--
-- Rules:
--
-- 1. They run where they are called from, on whatever coroutine that is: the
--    scheduler sees a stand-in of a light thread, which cannot park.
-- 2. An error is logged with its traceback, which ends where the handler
--    begins; what it means is the caller's business.
--
-- Follows ngx_http_lua_header_filter_by_chunk and its kin.

local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"
local trace = require "resty_py.scheduler.trace"

local tostring = tostring
local type = type
local unpack = unpack or table.unpack  -- luacheck: ignore 143
local xpcall = xpcall

local _M = {}


local function message(err)
    local kind = type(err)
    return (kind == "string" or kind == "number") and tostring(err)
end


-- Called in place of a chunk: the JIT gives up on xpcall of a function that
-- takes any number of arguments, as a chunk does.
local function enter(chunk, args)
    if args then
        return (chunk(unpack(args)))
    end
    return (chunk())
end


-- What is no text has no traceback either.
local NO_TEXT = "unknown reason"


local function traced(err)
    local text = message(err)
    if not text then
        return NO_TEXT
    end
    return text .. "\n" .. trace.here(enter, 2)
end


-- A stand-in that nobody uses now.
local spare


-- Calls the chunk for `r` in `phase`. Returns whether it ended well, and what
-- it returned or the error.
--   args   array of its arguments, nil for none
function _M.call(r, phase, chunk, args)
    local thread, former = scheduler.current, r.phase
    local stand_in = spare or {is_hook = true}
    spare = nil
    stand_in.request = r
    -- In init_by_lua there is no request.
    scheduler.current = phase ~= "init" and stand_in or nil
    r.phase = phase
    local ok, value = xpcall(enter, traced, chunk, args)
    r.phase = former
    scheduler.current = thread
    stand_in.request = nil
    spare = stand_in
    return ok, value
end


local call = _M.call

-- What calls the function of a hook.
_M.base = enter


function _M.run(r, phase, chunk, args)
    local ok, value = call(r, phase, chunk, args)
    if not ok then
        log.request(r, log.ERR, "failed to run " .. phase .. "_by_lua*: "
                    .. value)
    end
    return ok, value
end


-- A value becomes text as lua_tolstring makes it.
function _M.run_set(r, chunk, args)
    local former = r.arg
    r.arg = args
    local ok, value = _M.run(r, "set", chunk, args)
    r.arg = former
    local kind = type(value)
    if ok and kind ~= "string" and kind ~= "number" then
        return true, ""
    end
    return ok, ok and tostring(value)
end


function _M.context(phase, settings)
    return {phase = phase, is_worker = true, settings = settings}
end


function _M.run_plain(phase, chunk, settings)
    local ok, err = call(_M.context(phase, settings), phase, chunk)
    if ok then
        return true
    end
    return nil, err == NO_TEXT and "unknown error" or err
end


return _M
