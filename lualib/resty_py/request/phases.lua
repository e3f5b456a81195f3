-- Which API may be used in which phase: the one table that runtime checks,
-- documentation and tests read.
--
--   YIELDABLE, OUTPUT, …    sets of phases (ngx.get_phase names)
--   check(set)              the current request, or an error as OpenResty's
--                           "API disabled in the context of log_by_lua*"
--   name()                  the current phase, "init" outside of any
--   request()               the current request in any phase
--   client()                the current request, unless it has no client
--
-- Follows the NGX_HTTP_LUA_CONTEXT_* masks of ngx_http_lua_util.h.

local scheduler = require "resty_py.scheduler"

local error = error
local ipairs = ipairs


local function set(...)
    local phases = {}
    for _, phase in ipairs({...}) do
        phases[phase] = true
    end
    return phases
end


local _M = {
    -- phases whose handlers may be suspended
    YIELDABLE = set("rewrite", "server_rewrite", "access", "precontent",
                    "content", "timer", "ssl_cert", "ssl_session_fetch",
                    "ssl_client_hello"),
    -- phases that may produce the response
    OUTPUT = set("rewrite", "server_rewrite", "access", "precontent",
                 "content"),
    -- phases that may make subrequests
    SUBREQUEST = set("rewrite", "access", "content"),
    -- phases in which ngx.exit ends something
    EXIT = set("rewrite", "server_rewrite", "access", "precontent", "content",
               "timer", "header_filter", "balancer", "ssl_cert",
               "ssl_session_fetch", "ssl_session_store", "ssl_client_hello"),
    -- phases of a real request, filters and log included
    REQUEST = set("set", "rewrite", "server_rewrite", "access", "precontent",
                  "content", "header_filter", "body_filter", "log",
                  "balancer"),
    -- phases in which request and response headers may be changed
    CHANGE = set("set", "rewrite", "server_rewrite", "access", "precontent",
                 "content", "header_filter", "body_filter"),
    -- phases that may read and replace the request body
    BODY = set("rewrite", "server_rewrite", "access", "precontent", "content",
               "log", "balancer"),
}

-- How an error names a phase.
local TITLES = {
    timer = "ngx.timer",
    ssl_cert = "ssl_certificate_by_lua*",
    ssl_session_fetch = "ssl_session_fetch_by_lua*",
    ssl_session_store = "ssl_session_store_by_lua*",
    ssl_client_hello = "ssl_client_hello_by_lua*",
}


function _M.disabled(phase)
    return "API disabled in the context of "
        .. (TITLES[phase] or phase .. "_by_lua*")
end


-- Returns the current request (or timer); an error where there is none.
function _M.request()
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    return thread.request
end


-- Returns the name of the current phase.
function _M.name()
    local thread = scheduler.current
    return thread and thread.request.phase or "init"
end


-- Returns the current request; an error where it has no client (timers).
function _M.client()
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    local r = thread.request
    if not r.head then
        error("API disabled in the current context", 3)
    end
    return r
end


-- Returns the current request; an error where `phases` lacks its phase.
function _M.check(phases)
    local thread = scheduler.current
    if not thread then
        error("no request found", 3)
    end
    local r = thread.request
    if not phases[r.phase] then
        error(_M.disabled(r.phase), 3)
    end
    return r
end


return _M
