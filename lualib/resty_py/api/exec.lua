-- ngx.exec: an internal redirect.
--
-- Follows ngx_http_lua_ngx_exec and ngx_http_lua_handle_exec.

local encode = require "resty_py.codec.args".encode
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local redirect = require "resty_py.request.redirect"
local response = require "resty_py.http.response"
local target = require "resty_py.request.target"
local text = require "resty_py.codec.text"

local check = phases.check
local error = error
local format = string.format
local is_sent = response.is_sent
local select = select
local sub = string.sub
local type = type

local OUTPUT = phases.OUTPUT

local _M = {}


local function args_text(args)
    if args == nil then
        return ""
    elseif type(args) ~= "table" then
        return text.check(args)
            or error(format("bad argument #2 to 'exec' (string, number, or "
                            .. "table expected, but got %s)", type(args)), 4)
    end
    local encoded, err = encode(args)
    return encoded or error(err, 4)
end


local function join(own, given)
    if own and own ~= "" and given ~= "" then
        return own .. "&" .. given
    end
    return given ~= "" and given or own
end


local function read_target(r, given, args)
    local uri, own = target.parse(r, given)
    if not uri then
        error("unsafe uri", 3)
    end
    return uri, join(own, args_text(args))
end


local function leave(r, uri, args)
    if sub(uri, 1, 1) ~= "@" then
        return redirect.leave_to(uri, args)
    elseif args and args ~= "" then
        log.request(r, log.WARN, format(
            "query strings %s ignored when exec'ing named location %s", args,
            uri))
    end
    return redirect.leave_to_named(uri)
end


local function exec(...)
    local n = select("#", ...)
    if n ~= 1 and n ~= 2 then
        error(format("expecting one or two arguments, but got %d", n), 2)
    end
    local given = text.check((...))
    if not given then
        error(format("bad argument #1 to 'exec' (string expected, got %s)",
                     type((...))), 2)
    elseif given == "" then
        error("The uri argument is empty", 2)
    end
    local r = check(OUTPUT)
    if r.pending then
        error("attempt to abort with pending subrequests", 2)
    end
    local uri, args = read_target(r, given, (select(2, ...)))
    if is_sent(r) then
        error("attempt to call ngx.exec after sending out response headers", 2)
    end
    return leave(r, uri, args)
end


function _M.install(ngx)
    ngx.exec = exec
end


return _M
