-- The proxy module: the response of a location comes from another server.
--
--   prepare(settings, record)   readies a location's settings
--   content(r)                  the content handler; returns nil, or the code
--                               that the request ends with
--
-- Rules:
--
-- 1. The whole request body is read before an upstream is asked, unless
--    proxy_request_buffering is off: proxy/sender.lua.
-- 2. Where an attempt fails, proxy_next_upstream says whether the next peer is
--    asked: not once the client has got anything, and not for what may have
--    had an effect (POST, LOCK, PATCH) unless it says non_idempotent.
-- 3. What an upstream breaks off is broken off: the client's connection is
--    closed without an end of the body.
-- 4. After a 101 that the client has asked for bytes pass both ways.
-- 5. A client that leaves takes its request to the upstream with it, unless
--    proxy_ignore_client_abort is on.
--
-- Follows ngx_http_proxy_module.c and ngx_http_upstream.c.

local abort = require "resty_py.request.abort"
local addresses = require "resty_py.modules.proxy.address"
local balancer = require "resty_py.modules.proxy.balancer"
local bind = require "resty_py.modules.proxy.bind"
local body = require "resty_py.request.body"
local clock = require "resty_py.clock"
local exchange = require "resty_py.modules.proxy.exchange"
local headers = require "resty_py.modules.proxy.headers"
local log = require "resty_py.log"
local message = require "resty_py.modules.proxy.message"
local peers = require "resty_py.modules.proxy.peers"
local pipe = require "resty_py.modules.proxy.body"
local redirect = require "resty_py.request.redirect"
local response = require "resty_py.http.response"
local sender = require "resty_py.modules.proxy.sender"
local set_of = require "resty_py.program.set"
local targets = require "resty_py.request.target"
local template = require "resty_py.program.template"
local tls = require "resty_py.modules.proxy.tls"
local tunnel = require "resty_py.modules.proxy.tunnel"
local wake = require "resty_py.scheduler".wake

local error = error
local format = string.format
local sub = string.sub

local ERROR, BAD_GATEWAY, GATEWAY_TIMEOUT = -1, 502, 504
local INTERNAL_SERVER_ERROR, SPECIAL = 500, 300
local NO_CONTENT, NOT_MODIFIED = 204, 304
local UNAUTHORIZED, NOT_FOUND = 401, 404

-- What a request ends with where no peer could be asked.
local STATUSES = {timeout = GATEWAY_TIMEOUT}

-- Methods that may have had an effect.
local NON_IDEMPOTENT = {POST = true, LOCK = true, PATCH = true}

-- Statuses that proxy_next_upstream may name.
local NEXT_STATUSES = {
    [403] = "http_403", [404] = "http_404", [429] = "http_429",
    [500] = "http_500", [502] = "http_502", [503] = "http_503",
    [504] = "http_504",
}

local _M = {}


-- Preparing ------------------------------------------------------------------


local function compile_address(given)
    local constant = template.constant(given.url)
    if not constant then
        return {url = template.compile(given.url)}
    end
    local address, err = addresses.parse(constant)
    if not address then
        error(err, 0)
    end
    return {address = address, prefix = given.prefix}
end


function _M.prepare(settings)
    if not settings.proxy_pass then
        return
    end
    local to = compile_address(settings.proxy_pass)
    settings.proxy_target = to
    tls.prepare(settings, to.address and to.address.scheme == "https")
    settings.proxy_message = message.compile(settings)
    headers.compile(settings)
    settings.proxy_bind = bind.compile(settings)
    settings.proxy_read_body = sender.is_wanted(settings) and sender.read
        or body.read
    settings.proxy_next = set_of(settings.proxy_next_upstream)
end


-- Beginning ------------------------------------------------------------------


-- Finds what r is to be sent to. Returns true | nil.
local function find_target(r, u)
    local target = r.settings.proxy_target
    u.address, u.prefix = target.address, target.prefix
    if target.url then
        local address, err = addresses.parse(target.url(r))
        if not address then
            log.request(r, log.ERR, err)
            return nil
        end
        u.address, u.is_variable = address, true
    end
    u.group = peers.group(u.address, u.is_variable)
    u.uri = message.uri(r, u)
    local from = r.settings.proxy_bind
    u.from = from and from(r)
    return true
end


local function client_gone(r)
    return r:abandon()
end


local function consequence(r)
    return ", so upstream connection is closed too while "
        .. (r.upstream.action or "connecting to upstream")
end


local function watch(r)
    if r.parent or r.settings.proxy_ignore_client_abort then
        return
    end
    abort.watch(r, client_gone, consequence)
    if r.connection.ended then
        wake(r.connection.watcher)
    end
end


-- Next upstream --------------------------------------------------------------


local function is_out_of_time(r, u)
    local limit = r.settings.proxy_next_upstream_timeout
    return limit > 0 and clock.mono - u.began >= limit
end


-- Reasons as nginx's debug lines have them: NGX_HTTP_UPSTREAM_FT_*.
local REASONS = {error = 0x2, timeout = 0x4, invalid_header = 0x8,
                 http_500 = 0x10, http_502 = 0x20, http_503 = 0x40,
                 http_504 = 0x80, http_403 = 0x100, http_404 = 0x200,
                 http_429 = 0x400}


-- Whether the next peer is to be asked after what has failed.
local function goes_on(r, u, reason)
    if log.debugs(r) then
        log.debug(r, format("http next upstream, %x", REASONS[reason]))
    end
    local given = r.settings.proxy_next
    if u.tries <= 0 or not given[reason] or given.off or is_out_of_time(r, u)
        or u.is_streamed and u.is_sent
    then
        return false
    end
    return not (u.is_sent and NON_IDEMPOTENT[r.method])
        or given.non_idempotent or false
end


local function free_peer(u, peer, failed)
    u.state.response = clock.mono - u.state.began
    u.last_failure = failed and "failed" or "next"
    u.group:free(peer, failed, u)
end


-- Whether the status of a response sends it to the next peer.
local function is_refused(r, u)
    local reason = NEXT_STATUSES[u.head.status]
    return reason and goes_on(r, u, reason)
end


local function failed(u, peer, reason)
    free_peer(u, peer, true)
    -- One that was idle may have been closed by its own rules.
    if u.is_cached and reason == "error" then
        u.tries = u.tries + 1
        u.tried[peer] = nil
    end
end


local function no_live(u)
    u.action = "connecting to upstream"
    u.state.addr = u.group.name
    u.state.status, u.state.response = BAD_GATEWAY, 0
    u:log(log.ERR, "no live upstreams")
    return nil, BAD_GATEWAY
end


-- Sends the request to a peer. Returns whether it has answered | nil, code:
-- neither has it, nor is another to be asked.
local function try(r, u, peer)
    u.tries = u.tries - 1
    u.state.addr = peer.name
    u.peer = peer
    local ok, reason = exchange.attempt(u, peer)
    if ok and not is_refused(r, u) then
        return true
    elseif ok then
        u:release()
        free_peer(u, peer, u.head.status >= 500 or u.head.status == 429)
        return false
    elseif reason == "over" then
        free_peer(u, peer, false)
        return nil, u.code
    end
    failed(u, peer, reason)
    u.state.status = STATUSES[reason] or BAD_GATEWAY
    if not goes_on(r, u, reason) then
        return nil, u.state.status
    end
    return false
end


-- Asks peers until one answers. Returns its peer | nil, code.
local function ask(r, u)
    u:note()
    local peer, code = u.group:choose(u.tried, u)
    if not peer and code and code ~= balancer.BUSY then
        u.state.response = 0
        return nil, code
    elseif not peer then
        return no_live(u)
    end
    local has_answered
    has_answered, code = try(r, u, peer)
    if has_answered == false then
        return ask(r, u)
    end
    return has_answered and peer, code
end


local function count_tries(r, u)
    local limit = r.settings.proxy_next_upstream_tries
    local tries = u.group:tries()
    return limit > 0 and limit < tries and limit or tries
end


-- Answering ------------------------------------------------------------------


local function has_page(r, status)
    local pages = r.settings.error_page
    for i = 1, pages and #pages or 0 do
        if pages[i].status == status then
            return true
        end
    end
end


local function is_intercepted(r, u)
    return r.settings.proxy_intercept_errors and u.head.status >= SPECIAL
        and has_page(r, u.head.status)
end


local function is_head(r, u)
    return r.method == "HEAD" or u.method == "HEAD"
end


local function is_without_body(u)
    return u.head.status == NO_CONTENT or u.head.status == NOT_MODIFIED
end


-- Whether nothing follows of a response whose body nobody wants.
local function is_over(u)
    local has_none = u.method == "HEAD" or is_without_body(u)
    return #u.rest == (has_none and 0 or u.head.length)
end


-- The connection is used again, or closed.
local function let_go(u, peer)
    local connection = u.connection
    free_peer(u, peer, false)
    if u.is_complete and not u.head.is_closing and connection
        and not u.is_unsent
    then
        u.connection = nil
        return u.group:keep(peer, connection, u.uses, u.opened)
    end
    return u:release()
end


local function break_off(r)
    r.keepalive = false
    response.flush(r)
    r.downstream:push_back(0)
    return ERROR
end


local function pass_body(r, u, peer)
    local ok, err = pipe.pass(r, u)
    let_go(u, peer)
    if ok then
        return nil
    end
    return err and err ~= "invalid" and break_off(r) or ERROR
end


local function answer(r, u, peer)
    local head = u.head
    if head.version == 9 then
        r.version = 9
    end
    headers.take(r, u)
    r.is_streamed = true
    local code = response.send_headers(r)
    if code then
        let_go(u, peer)
        return code
    elseif tunnel.is_asked_for(r, u) then
        response.flush(r)
        tunnel.pass(r, u)
        let_go(u, peer)
        return ERROR
    elseif is_without_body(u) and not is_head(r, u) then
        pipe.skip(u)
        let_go(u, peer)
        return nil
    elseif is_head(r, u) or r.parent and r.header_only then
        u.is_complete = is_over(u)
        let_go(u, peer)
        return nil
    elseif r.header_only then
        -- A filter has made it a 204 or 304.
        let_go(u, peer)
        return nil
    elseif not u.is_buffered then
        response.flush(r)
    end
    return pass_body(r, u, peer)
end


local function accel_target(r, u)
    if not r.settings.proxy_ignored["x-accel-redirect"] then
        return u.head.accel_redirect
    end
end


-- X-Accel-Redirect. Does not return, but for a target that is unsafe.
local function follow(r, u, peer, target)
    headers.redirect(r, u)
    u.is_complete = false
    let_go(u, peer)
    if sub(target, 1, 1) == "@" then
        return redirect.leave_to_named(target)
    end
    local path, args = targets.parse(r, target, true)
    if not path then
        u:log(log.ERR, format('unsafe URI "%s" was detected',
                              log.escape(target)))
        return NOT_FOUND
    elseif r.method ~= "HEAD" then
        r.method = "GET"
    end
    return redirect.leave_to(path, args)
end


local function respond(r, u, peer)
    local target = accel_target(r, u)
    if target then
        return follow(r, u, peer, target)
    elseif is_intercepted(r, u) then
        local status = u.head.status
        let_go(u, peer)
        if status == UNAUTHORIZED then
            headers.challenge(r, u)
        end
        return status
    end
    return answer(r, u, peer)
end


-- The handler ----------------------------------------------------------------


local function new_upstream(r)
    local former = r.upstream
    local u = exchange.new(r)
    if former then
        u.states = former.states
        u:note()
    end
    return u
end


function _M.content(r)
    local ok, code = r.settings.proxy_read_body(r)
    if not ok then
        return code
    end
    local u = new_upstream(r)
    if not find_target(r, u) then
        return INTERNAL_SERVER_ERROR
    end
    r.upstream = u
    watch(r)
    local err
    ok, err = u.group:ready(u)
    if not ok then
        log.request(r, log.ERR, err)
        return BAD_GATEWAY
    end
    u.tries = count_tries(r, u)
    local peer
    peer, code = ask(r, u)
    if not peer then
        sender.forget(u)
        return code
    end
    return respond(r, u, peer)
end


return _M
