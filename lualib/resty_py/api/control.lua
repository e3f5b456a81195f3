-- ngx.exit, ngx.redirect, ngx.on_abort.
--
-- Follows ngx_http_lua_control.c: the order of the refusals and their texts.

local engine = require "resty_py.request.engine"
local headers_of = require "resty_py.http.header_list".of
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"
local text = require "resty_py.codec.text"

local check = phases.check
local ceil = math.ceil
local current = phases.request
local debugs = log.debugs
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local getinfo = debug.getinfo
local is_sent = response.is_sent
local leave = scheduler.leave
local select = select
local tonumber = tonumber
local type = type

local EXIT, OUTPUT = phases.EXIT, phases.OUTPUT

local ERROR, AGAIN, DONE = -1, -2, -4
local OK, SPECIAL_RESPONSE, MOVED_TEMPORARILY = 200, 300, 302

local _M = {}


-- Exit -----------------------------------------------------------------------


-- Codes that end a request in whatever state its response is.
local ABORTING = {[408] = true, [444] = true, [499] = true}


-- What C makes of a number that no int holds.
local NO_INT = -2 ^ 31


-- A number as C casts it to int.
local function truncate(number)
    if not (number > NO_INT and number < -NO_INT) then
        return NO_INT
    end
    return number < 0 and ceil(number) or floor(number)
end


-- What ngx.exit(code) means once the response has begun.
local function after_headers(r, code)
    if code < SPECIAL_RESPONSE or ABORTING[code] then
        return code
    elseif code ~= r.status then
        log.request(r, log.ERR, format("attempt to set status %d via ngx.exit "
                    .. "after sending out the response status %d", code,
                    r.status))
    end
    return OK
end


local function exit(code)
    local r = current()
    if type(code) ~= "number" then
        error(format("bad argument #1 to 'exit' (number expected, got %s)",
                     type(code)), 2)
    end
    code = truncate(code)
    if code == AGAIN or code == DONE then
        error("bad argument to 'ngx.exit': does not accept NGX_AGAIN or "
              .. "NGX_DONE", 2)
    end
    check(EXIT)
    if r.pending and not ABORTING[code] and code ~= ERROR then
        error("attempt to abort with pending subrequests", 2)
    elseif r.head and is_sent(r) then
        code = after_headers(r, code)
    end
    if r.phase == "header_filter" then
        r.filter_exit = code
        return
    elseif r.phase == "balancer" then
        r.upstream.balancing.exit = code
        return
    end
    if debugs(r) then
        log.debug(r, format("lua exit with code %d", code))
    end
    if r.phase == "ssl_session_store" then
        return
    end
    return leave(engine.exit, code)
end


-- Redirect -------------------------------------------------------------------


local REDIRECTS = {[301] = true, [302] = true, [303] = true, [307] = true,
                   [308] = true}

local NOT_REDIRECT = "only ngx.HTTP_MOVED_TEMPORARILY, "
    .. "ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, "
    .. "ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed"


local function redirect_code(...)
    if select("#", ...) == 1 then
        return MOVED_TEMPORARILY
    end
    local status = select(2, ...)
    local code = tonumber(status)
    if not code then
        error(format("bad argument #2 to 'redirect' (number expected, got %s)",
                     type(status)), 3)
    elseif not REDIRECTS[truncate(code)] then
        error(NOT_REDIRECT, 3)
    end
    return truncate(code)
end


-- An empty target is told, too.
local function add_location(r, uri)
    headers_of(r):add("Location", uri, "location")
end


local function redirect(...)
    local n = select("#", ...)
    if n ~= 1 and n ~= 2 then
        error("expecting one or two arguments", 2)
    end
    local uri = text.check((...))
    if not uri then
        error(format("bad argument #1 to 'redirect' (string expected, got %s)",
                     type((...))), 2)
    end
    local code = redirect_code(...)
    local r = check(OUTPUT)
    if r.pending then
        error("attempt to abort with pending subrequests", 2)
    elseif is_sent(r) then
        error("attempt to call ngx.redirect after sending out the headers", 2)
    end
    local unsafe = find(uri, "[^%C\t]")
    if unsafe then
        error(format('unsafe byte "0x%02x" in redirect uri "%s"',
                     uri:byte(unsafe), log.escape(uri)), 2)
    end
    add_location(r, uri)
    r.status = code
    return leave(engine.exit, code)
end


-- Client abort ---------------------------------------------------------------


local function on_abort(f)
    local r = current()
    if not r.head then
        error(phases.disabled(r.phase), 2)
    elseif r.on_abort ~= nil then
        return nil, "duplicate call"
    elseif not r.settings.lua_check_client_abort then
        return nil, "lua_check_client_abort is off"
    elseif type(f) ~= "function" or getinfo(f, "S").what == "C" then
        error("bad argument #1 to 'on_abort' (Lua function expected)", 2)
    end
    r.on_abort = f
    return 1
end


function _M.install(ngx)
    ngx.exit = exit
    ngx.redirect = redirect
    ngx.on_abort = on_abort
end


return _M
