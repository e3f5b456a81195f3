-- Internal redirects: a request starts over at another URI, or in a named
-- location.
--
--   leave_to(uri, args)    from a light thread; never returns
--   leave_to_named(name)   the same
--   to(r, uri, args)       from outside of its threads
--   to_named(r, name)
--
-- Rules:
--
-- 1. Each takes one of NGX_HTTP_MAX_URI_CHANGES; past them the request ends
--    with 500.
-- 2. ngx.ctx and the location go, and what was kept to be counted; variables,
--    the response's headers and the request's body stay.
-- 3. A redirect begins with the server's rewrite phase, a named location with
--    its own rewrite phase.
--
-- Follows ngx_http_internal_redirect and ngx_http_named_location.

local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local format = string.format
local kill = scheduler.kill

local INTERNAL_SERVER_ERROR = 500

-- They lean on this module themselves.
local steps

local _M = {}


local function count_change(r, what, target)
    r.uri_changes = r.uri_changes - 1
    if r.uri_changes > 0 then
        return true
    end
    log.request(r, log.ERR, format(
        'rewrite or internal redirection cycle while %s "%s"', what, target))
    engine.finalize(r, INTERNAL_SERVER_ERROR)
    return false
end


local function restart(r)
    steps = steps or require "resty_py.request.steps"
    if r.buffering then
        response.drop_buffered(r)
    end
    r.ctx = nil
    r.world = nil
    r.echo = nil
    r.link_expires = nil
    r.internal = true
    r.uri_changed = false
end


function _M.to(r, uri, args)
    if count_change(r, "internally redirecting to", uri) then
        restart(r)
        r.uri = uri
        r.args = args
        r.uri_rewritten = false
        r.add_uri_to_alias = false
        return steps.begin(r)
    end
end


function _M.to_named(r, name)
    if not count_change(r, "redirect to named location", name) then
        return
    end
    local found = r.server.base.named[name]
    if not found then
        log.request(r, log.ERR, format('could not find named location "%s"',
                                       name))
        return engine.finalize(r, INTERNAL_SERVER_ERROR)
    end
    restart(r)
    return steps.enter_named(r, found)
end


local function leaving(go)
    return function(thread, ...)
        local r = thread.request
        kill(thread)
        engine.kill_threads(r)
        return go(r, ...)
    end
end


local to, to_named = leaving(_M.to), leaving(_M.to_named)


function _M.leave_to(uri, args)
    return scheduler.leave(to, uri, args)
end


function _M.leave_to_named(name)
    return scheduler.leave(to_named, name)
end


return _M
