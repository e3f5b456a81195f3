-- The filters of a response: what changes its headers and its body on their
-- way out.
--
--   prepare(settings, location)   puts those of a location into `settings`:
--       header_filters   array of f(r), or nil
--       body_filter      f(r, data, last) -> true | nil, err; or nil: the first
--                        of them, which calls the next
--       captured_header_filters, captured_body_filter   those that a captured
--                        subrequest passes: Lua's alone
--
-- Order (first runs first), that of nginx 1.22 with the modules that OpenResty
-- bundles. Headers: header_filter_by_lua, headers-more, echo, add_header and
-- expires, gunzip, addition, sub_filter, charset, gzip, add_trailer. What every
-- response may need comes before or after them in response.lua: conditions of
-- the request, ranges, the whole URL of a redirect.
-- Bodies: body_filter_by_lua, echo, add_trailer, gunzip, addition,
-- sub_filter; gzip is in response.lua, behind the output of subrequests.
--
-- Follows ngx_http_lua_headerfilterby.c and ngx_http_lua_bodyfilterby.c.

local addition = require "resty_py.modules.addition"
local charset = require "resty_py.modules.charset"
local echo = require "resty_py.modules.echo"
local gunzip = require "resty_py.modules.gunzip"
local gzip = require "resty_py.modules.gzip"
local handler = require "resty_py.program.handler"
local headers = require "resty_py.modules.headers"
local headers_more = require "resty_py.modules.headers_more"
local hooks = require "resty_py.request.hooks"
local log = require "resty_py.log"
local response = require "resty_py.http.response"
local sub_filter = require "resty_py.modules.sub_filter"
local trailers = require "resty_py.modules.trailers"

local chunk_of = handler.chunk
local debugs = log.debugs
local format = string.format
local fail = response.fail
local put_filtered = response.put_filtered
local run = hooks.run
local type = type

local ERROR, SPECIAL = -1, 300

local HEADER_MODULES = {headers_more, echo, headers, gunzip, addition,
                        sub_filter, charset, gzip, trailers}
local BODY_MODULES = {echo, trailers, gunzip, addition, sub_filter}

local _M = {}


-- header_filter_by_lua -------------------------------------------------------


-- Debug lines tell of a filter of the user's.
local function tell(r, kind)
    if debugs(r) then
        log.debug(r, format('lua %s filter for user lua code, uri "%s"', kind,
                            r.uri))
    end
end


-- What ngx.exit(code) in the filter asked for is in r.filter_exit.
local function header_filter_by_lua(code)
    return function(r)
        tell(r, "header")
        local chunk = chunk_of(code, r)
        if not chunk or not run(r, "header_filter", chunk) then
            r.filter_failed = true
        end
    end
end


-- body_filter_by_lua --------------------------------------------------------


-- What ngx.arg holds meanwhile: see api/arg.lua.
-- Returns whether it has done well, data, last.
local function call_body_filter(r, chunk, data, last)
    local former = r.arg
    local arg = {data, last}
    r.arg = arg
    local ok, rc = run(r, "body_filter", chunk)
    r.arg = former
    local is_well = ok and rc ~= ERROR
        and not (type(rc) == "number" and rc >= SPECIAL)
    return is_well, arg[1], arg[2]
end


local function body_filter_by_lua(code, next)
    return function(r, data, last)
        if r.seen_last_in_filter then
            return next(r, "", false)
        end
        tell(r, "body")
        local chunk = chunk_of(code, r)
        if not chunk then
            return fail(r)
        end
        local is_well
        is_well, data, last = call_body_filter(r, chunk, data, last)
        if not is_well then
            return fail(r)
        end
        r.seen_last_in_filter = last
        return next(r, data, last)
    end
end


-- Preparing -----------------------------------------------------------------


local function keep(filters)
    return #filters > 0 and filters or nil
end


local function add(filters, filter)
    if filter then
        filters[#filters + 1] = filter
    end
end


local function prepare_header(settings, code)
    local found = {}
    add(found, code and header_filter_by_lua(code))
    settings.captured_header_filters = keep {found[1]}
    for i = 1, #HEADER_MODULES do
        add(found, HEADER_MODULES[i].header_filter(settings))
    end
    settings.header_filters = keep(found)
end


-- Each is made of the one behind it.
local function prepare_body(settings, code)
    local next = put_filtered
    for i = #BODY_MODULES, 1, -1 do
        next = BODY_MODULES[i].body_filter(settings, next) or next
    end
    if code then
        settings.captured_body_filter = body_filter_by_lua(code, put_filtered)
        next = body_filter_by_lua(code, next)
    end
    settings.body_filter = next ~= put_filtered and next or nil
end


function _M.prepare(settings, location)
    prepare_header(settings, location.hooks.header_filter)
    prepare_body(settings, location.hooks.body_filter)
end


return _M
