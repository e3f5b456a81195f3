-- The phases of a request, in nginx's order.
--
--   build(record)         a location's steps
--   build_server(server)  those before a location is found
--   begin(r)              starts at the server's first step
--   enter_named(r, record)  starts in a named location
--   advance(r)            goes on with the next step
--
-- A step is a function of the request; it returns true where the next one may
-- follow at once, else it has suspended or ended the request. Only those that
-- have something to do in a location are among its steps.
--
-- Order (ngx_http_core_module.h): post_read, server_rewrite, find_config,
-- rewrite, post_rewrite, preaccess, access, post_access, precontent, content.
-- As in nginx Lua handlers come last in their phase, unless
-- *_by_lua_no_postpone is on, but for server_rewrite, where they come first.

local access = require "resty_py.request.access"
local auth_basic = require "resty_py.modules.auth_basic"
local auth_request = require "resty_py.modules.auth_request"
local body = require "resty_py.request.body"
local delay = require "resty_py.request.delay"
local echo = require "resty_py.modules.echo"
local engine = require "resty_py.request.engine"
local handler = require "resty_py.program.handler"
local headers_more = require "resty_py.modules.headers_more"
local limit_conn = require "resty_py.modules.limit.conn"
local limit_req = require "resty_py.modules.limit.req"
local location = require "resty_py.program.location"
local log = require "resty_py.log"
local mirror = require "resty_py.modules.mirror"
local proxy = require "resty_py.modules.proxy"
local realip = require "resty_py.modules.realip"
local redirection = require "resty_py.http.redirection"
local response = require "resty_py.http.response"
local script = require "resty_py.program.script"
local static = require "resty_py.static"
local stub_status = require "resty_py.modules.stub_status"

local chunk_of = handler.chunk
local enter = location.enter
local finalize = engine.finalize
local find = location.find
local format = string.format
local run = engine.run
local run_script = script.run
local setmetatable = setmetatable
local sub = string.sub

local OK, HTTP_OK, DECLINED = 0, 200, -5
local MOVED_PERMANENTLY = 301
local FORBIDDEN, NOT_FOUND, TOO_LARGE = 403, 404, 413
local INTERNAL_SERVER_ERROR = 500

local _M = {}


-- No loop: the JIT gives up on all that leads to one whose rounds are few.
local function advance(r)
    local place = r.step + 1
    r.step = place
    if r.steps[place](r) == true then
        return advance(r)
    end
end


_M.advance = advance


-- Lua handlers --------------------------------------------------------------


-- A handler that has produced a response ends the request.
local function pass(r)
    if r.headers_sent then
        response.finish(r)
        return finalize(r, HTTP_OK)
    end
    return advance(r)
end


local function rewrite_over(r, rc)
    if not rc or rc == OK or rc == DECLINED then
        return pass(r)
    end
    return finalize(r, rc)
end


-- Where satisfy is "any", what one handler says lets the request pass.
local function access_over(r, rc)
    if (not rc or rc == OK) and r.headers_sent then
        return pass(r)
    elseif rc == DECLINED or access.settle(r, rc or OK) then
        return advance(r)
    end
end


local function content_over(r, rc)
    return finalize(r, rc or OK)
end


local OVER = {
    server_rewrite = rewrite_over,
    rewrite = rewrite_over,
    access = access_over,
    precontent = rewrite_over,
    content = content_over,
}


local TITLES = {server_rewrite = "server rewrite"}


-- Debug lines tell of a handler.
local function told(phase, step)
    local title = "lua " .. (TITLES[phase] or phase) .. " handler"
    return function(r)
        log.handler(r, title)
        return step(r)
    end
end


-- A step that runs the Lua handler of a phase.
local function lua_step(phase, code, settings)
    local over = OVER[phase]
    local function step(r)
        local chunk, status = chunk_of(code, r)
        if not chunk then
            return finalize(r, status)
        end
        return run(r, phase, chunk, over)
    end
    return log.is_debug(settings) and told(phase, step) or step
end


-- rewrite -------------------------------------------------------------------


-- An `if` that holds is the location of what follows.
local function script_step(record)
    local steps = record.script
    return function(r)
        local rc = run_script(steps, r)
        if rc then
            return finalize(r, rc)
        elseif r.location ~= record then
            r.steps, r.step = r.location.tail, 0
        end
        return true
    end
end


local function server_script_step(steps)
    return function(r)
        local rc = run_script(steps, r)
        return not rc or finalize(r, rc)
    end
end


local function change_input(r)
    local err = headers_more.input(r)
    return not err or finalize(r, err)
end


local function too_many_changes(r)
    log.request(r, log.ERR, format(
        'rewrite or internal redirection cycle while processing "%s"', r.uri))
    return finalize(r, INTERNAL_SERVER_ERROR)
end


local function post_rewrite(r)
    if not r.uri_changed then
        return true
    end
    r.uri_changes = r.uri_changes - 1
    if r.uri_changes == 0 then
        return too_many_changes(r)
    end
    r.steps, r.step = r.server.finding, 0
    return true
end


-- find_config ---------------------------------------------------------------


local function is_too_large(r)
    local length = r.head.content_length
    local most = r.settings.client_max_body_size
    return length and most > 0 and length > most
        and r.body_state == "unread"
end


local function find_config(r)
    r.content = nil
    if r.uri_changed then
        r.uri_changed = false
    end
    local record = find(r.server.base, r)
    if record.settings.internal and not r.internal then
        r.location, r.settings = record, record.settings
        return finalize(r, NOT_FOUND)
    end
    enter(r, record)
    if is_too_large(r) then
        log.request(r, log.ERR, "client intended to send too large body: "
                    .. r.head.content_length .. " bytes")
        r.expecting = nil
        r.body_state = "discarded"
        return finalize(r, TOO_LARGE)
    end
    r.steps, r.step = r.location.steps, 0
    return true
end


-- preaccess -----------------------------------------------------------------


local function limit_requests(r)
    local rc, seconds = limit_req.check(r)
    if seconds then
        return delay.start(r, seconds, advance)
    end
    return not rc or finalize(r, rc)
end


local function limit_connections(r)
    local rc = limit_conn.check(r)
    return not rc or finalize(r, rc)
end


-- access --------------------------------------------------------------------


local function check_access(r)
    return access.settle(r, access.check(r))
end


local function check_password(r)
    return access.settle(r, auth_basic.check(r))
end


-- Asks another location, in a light thread, who may come in.
local function ask_location(r)
    local rc
    return run(r, "access", function()
        rc = auth_request.ask(r)
    end, function(_, code)
        if access.settle(r, code or rc) then
            return advance(r)
        end
    end)
end


-- A step of the access phase: not in subrequests, nor once access is granted.
local function guarding(step)
    return function(r)
        return r.parent ~= nil or r.access_granted or step(r)
    end
end


local function post_access(r)
    local code = r.access_code
    r.access_granted = false
    if not code then
        return true
    end
    r.access_code = nil
    if code == FORBIDDEN then
        log.request(r, log.ERR, "access forbidden by rule")
    end
    return access.refuse(r, code)
end


-- precontent ----------------------------------------------------------------


local redirect


local function try_files(r)
    redirect = redirect or require "resty_py.request.redirect"
    local found = static.try_files(r)
    if not found then
        return true
    elseif found.status then
        return finalize(r, found.status)
    elseif found.named then
        return redirect.to_named(r, found.named)
    end
    return redirect.to(r, found.uri, found.args)
end


local function tell_mirrors(r)
    return mirror.send(r) or finalize(r, INTERNAL_SERVER_ERROR)
end


-- Tells other locations, once the body is there.
local function mirror_request(r)
    if r.parent then
        return true
    elseif not mirror.needs_body(r) then
        return tell_mirrors(r)
    end
    local is_read, code
    return run(r, "precontent", function()
        is_read, code = body.read(r)
    end, function()
        if not is_read then
            return finalize(r, code)
        elseif tell_mirrors(r) == true then
            return advance(r)
        end
    end)
end


-- content -------------------------------------------------------------------


-- The handler of a location is also that of an `if` without its own.
local function content_by_lua(r)
    local chunk, status = chunk_of(r.location.hooks.content, r)
    if not chunk then
        return finalize(r, status)
    end
    return run(r, "content", chunk, content_over)
end


local function native(serve)
    return function(r)
        return engine.run_native(r, serve)
    end
end


local serve_static = native(static.serve)

local CONTENT = {lua = content_by_lua, echo = native(echo.content),
                 proxy = native(proxy.content),
                 stub_status = native(stub_status.content)}
local TOLD = {lua = told("content", content_by_lua)}


local function content(r)
    return (CONTENT[r.content] or serve_static)(r)
end


local function told_content(r)
    return (TOLD[r.content] or content)(r)
end


-- Building ------------------------------------------------------------------


-- A handler of the rewrite phase: not after a rewrite that changed the URI.
local function unless_changed(step)
    return function(r)
        return r.uri_changed or step(r)
    end
end


local function add_lua(steps, record, phase, wrap)
    local code = record.hooks[phase]
    if code then
        local step = lua_step(phase, code, (record.base or record).settings)
        steps[#steps + 1] = wrap and wrap(step) or step
    end
end


local function add_preaccess(steps, record)
    if record.settings.limit_req then
        steps[#steps + 1] = limit_requests
    end
    if record.settings.limit_conn then
        steps[#steps + 1] = limit_connections
    end
end


local function add_access(steps, record)
    local settings = record.settings
    local early = settings.access_by_lua_no_postpone
    local n = #steps
    if early then
        add_lua(steps, record, "access", guarding)
    end
    if settings.access_rules then
        steps[#steps + 1] = guarding(check_access)
    end
    if settings.auth_basic then
        steps[#steps + 1] = guarding(check_password)
    end
    if settings.auth_request then
        steps[#steps + 1] = guarding(ask_location)
    end
    if not early then
        add_lua(steps, record, "access", guarding)
    end
    if #steps > n and settings.satisfy == "any" then
        steps[#steps + 1] = post_access
    end
end


local function add_precontent(steps, record)
    local early = record.settings.precontent_by_lua_no_postpone
    if early then
        add_lua(steps, record, "precontent")
    end
    if record.settings.try_files then
        steps[#steps + 1] = try_files
    end
    if record.settings.mirror then
        steps[#steps + 1] = mirror_request
    end
    if not early then
        add_lua(steps, record, "precontent")
    end
end


-- The steps after the script.
local function build_tail(record, early)
    local tail = {}
    if not early then
        -- An `if`, which has no pattern, follows the script it is in.
        local follows = record.script or record.pattern == ""
        add_lua(tail, record, "rewrite", follows and unless_changed)
    end
    if record.settings.input_headers then
        tail[#tail + 1] = change_input
    end
    tail[#tail + 1] = post_rewrite
    if record.settings.realip then
        tail[#tail + 1] = realip.step
    end
    add_preaccess(tail, record)
    add_access(tail, record)
    add_precontent(tail, record)
    tail[#tail + 1] = log.is_debug(record.settings) and told_content or content
    return tail
end


local function append(steps, more)
    for i = 1, #more do
        steps[#steps + 1] = more[i]
    end
    return steps
end


-- Where a location that another server answers ends with a slash, the path
-- without it is redirected there.
local function to_slash(record)
    local function step(r)
        local args = r.args
        redirection.set(r, record.pattern
                        .. (args and args ~= "" and "?" .. args or ""))
        return finalize(r, MOVED_PERMANENTLY)
    end
    return setmetatable({steps = {step}, limit_except = false},
                        {__index = record})
end


-- Gives a location its steps, and those that follow its script: its tail.
function _M.build(record)
    if record.content == "proxy" and sub(record.pattern, -1) == "/" then
        record.to_slash = to_slash(record)
    end
    local early = record.settings.rewrite_by_lua_no_postpone
    local steps = {}
    if early then
        add_lua(steps, record, "rewrite")
    end
    record.tail = build_tail(record, early)
    if record.script then
        steps[#steps + 1] = script_step(record)
    end
    record.steps = append(steps, record.tail)
end


-- What internal redirects and subrequests do not repeat.
local function post_read(r)
    return r.internal or realip.step(r)
end


-- Gives a server its steps. Here Lua comes first.
function _M.build_server(server)
    local steps = {}
    if server.base.settings.realip then
        steps[1] = post_read
    end
    add_lua(steps, server, "server_rewrite")
    if server.base.script then
        steps[#steps + 1] = server_script_step(server.base.script)
    end
    server.finding = {find_config}
    server.steps = append(steps, server.finding)
end


-- Starting ------------------------------------------------------------------


function _M.begin(r)
    local server = r.server
    r.location = server.base
    r.settings = server.base.settings
    r.steps = server.steps
    r.step = 0
    return advance(r)
end


function _M.enter_named(r, record)
    r.content = nil
    enter(r, record)
    r.steps = r.location.steps
    r.step = 0
    return advance(r)
end


return _M
