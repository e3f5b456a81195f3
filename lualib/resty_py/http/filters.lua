-- The filters of a response: what changes its headers and its body on their
-- way out.
--
--   prepare(settings, location)   puts those of a location into `settings`:
--       header_filters   array of f(r), or nil
--       body_filters     array of f(r, data, last) -> data, last; or nil
--       captured_header_filters, captured_body_filters   those that a captured
--                        subrequest passes: Lua's alone
--
-- Order (first runs first), that of nginx 1.22 with the modules that OpenResty
-- bundles. Headers: header_filter_by_lua, headers-more, echo, add_header and
-- expires, charset, gzip. What every response may need comes before or after
-- them in response.lua: conditions of the request, ranges, the whole URL of a
-- redirect.
-- Bodies: body_filter_by_lua, echo; gzip is in response.lua, behind the output
-- of subrequests.
--
-- Follows ngx_http_lua_headerfilterby.c and ngx_http_lua_bodyfilterby.c.

local charset = require "resty_py.modules.charset"
local echo = require "resty_py.modules.echo"
local gzip = require "resty_py.modules.gzip"
local handler = require "resty_py.program.handler"
local headers = require "resty_py.modules.headers"
local headers_more = require "resty_py.modules.headers_more"
local hooks = require "resty_py.request.hooks"
local log = require "resty_py.log"

local chunk_of = handler.chunk
local debugs = log.debugs
local format = string.format
local ipairs = ipairs
local run = hooks.run
local type = type

local ERROR, SPECIAL = -1, 300

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
local function call_body_filter(r, chunk, data, last)
    local former = r.arg
    local arg = {data, last}
    r.arg = arg
    local ok, rc = run(r, "body_filter", chunk)
    r.arg = former
    if not ok or rc == ERROR or type(rc) == "number" and rc >= SPECIAL then
        r.filter_failed = true
        return "", false
    end
    return arg[1], arg[2]
end


local function body_filter_by_lua(code)
    return function(r, data, last)
        if r.seen_last_in_filter then
            return "", false
        end
        tell(r, "body")
        local chunk = chunk_of(code, r)
        if not chunk then
            r.filter_failed = true
            return "", false
        end
        local eof
        data, eof = call_body_filter(r, chunk, data, last)
        r.seen_last_in_filter = eof
        return data, eof
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


function _M.prepare(settings, location)
    local in_header, in_body = {}, {}
    local header_code = location.hooks.header_filter
    local body_code = location.hooks.body_filter
    add(in_header, header_code and header_filter_by_lua(header_code))
    add(in_body, body_code and body_filter_by_lua(body_code))
    settings.captured_header_filters = keep {in_header[1]}
    settings.captured_body_filters = keep {in_body[1]}
    for _, module in ipairs {headers_more, echo, headers, charset, gzip} do
        add(in_header, module.header_filter(settings))
    end
    add(in_body, echo.body_filter(settings))
    settings.header_filters = keep(in_header)
    settings.body_filters = keep(in_body)
end


return _M
