-- ngx.req: the arguments of a request and its URI.
--
-- Follows ngx_http_lua_args.c and ngx_http_lua_uri.c.

local args_codec = require "resty_py.codec.args"
local engine = require "resty_py.request.engine"
local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local text = require "resty_py.codec.text"

local byte = string.byte
local check = phases.check
local client = phases.client
local decode = args_codec.decode
local decode_query = args_codec.decode_query
local encode = args_codec.encode
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local gsub = string.gsub
local kill = scheduler.kill
local leave = scheduler.leave
local next = next
local select = select
local text_of = text.check
local tonumber = tonumber
local type = type

-- Where a handler may start over with another URI.
local JUMP = {rewrite = true, server_rewrite = true}

local _M = {}


local function bad_argument(position, name, expected, value, level)
    error(format("bad argument #%d to '%s' (%s expected, got %s)", position,
                 name, expected, type(value)), level + 1)
end


-- Reading -------------------------------------------------------------------


local function emptied(into)
    for key in next, into do
        into[key] = nil
    end
    return into
end


-- Passes on what decode() gives; the log tells of what was left out.
local function told(r, max, args, truncated)
    if not truncated then
        return args
    end
    if log.debugs(r) then
        log.debug(r, format("lua hit query args limit %d",
                            max or args_codec.MAX_ARGS))
    end
    return args, truncated
end


local function get_uri_args(max, into)
    local r = client()
    if max and type(max) ~= "number" then
        bad_argument(1, "get_uri_args", "number", max, 2)
    end
    local args = r.args
    if not args or args == "" then
        return into and emptied(into) or {}
    end
    return told(r, max, decode_query(args, max and floor(max), into))
end


local function get_post_args(...)
    local n = select("#", ...)
    if n > 1 then
        error(format("expecting 0 or 1 arguments but seen %d", n), 2)
    end
    local max = tonumber((...))
    if n == 1 and not max then
        bad_argument(1, "get_post_args", "number", (...), 2)
    end
    local r = client()
    local state = r.body_state
    if state == "discarded"
        or state == "none" and r.settings.lua_need_request_body
    then
        return {}
    elseif state ~= "read" and state ~= "reading" and state ~= "sent" then
        error("no request body found; maybe you should turn on "
              .. "lua_need_request_body?", 2)
    elseif r.body_file then
        return nil, "request body in temp file not supported"
    end
    return told(r, max, decode(r.body_data or "", max and floor(max)))
end


-- Changing ------------------------------------------------------------------


local function escape_byte(letter)
    return format("%%%02X", byte(letter))
end


-- Control characters and spaces cannot stand in a request line.
local function escape_args(args)
    return (gsub(args, "[%c ]", escape_byte))
end


local function args_text(given)
    if type(given) == "table" then
        local encoded, err = encode(given)
        if not encoded then
            error(err, 3)
        end
        return encoded
    end
    local args = text_of(given)
    if not args then
        error("bad argument #1 to 'set_uri_args' (string, number, or table "
              .. "expected, but got " .. type(given) .. ")", 3)
    end
    return escape_args(args)
end


local function set_uri_args(...)
    local n = select("#", ...)
    if n ~= 1 then
        error(format("expecting 1 argument but seen %d", n), 2)
    end
    local r = client()
    local args = args_text((...))
    r.args = args
end


local function check_boolean(position, value)
    if type(value) ~= "boolean" then
        bad_argument(position, "set_uri", "boolean", value, 3)
    end
    return value
end


local function check_safe(uri)
    local unsafe = find(uri, "[^%C\t]")
    if unsafe then
        error(format('unsafe byte "0x%02x" in uri "%s" (maybe you want to set '
                     .. "the 'binary' argument?)", byte(uri, unsafe),
                     log.escape(uri)), 3)
    end
end


-- The rewrite phase looks at the URI when its handler has ended.
local function start_over(thread)
    local r = thread.request
    kill(thread)
    engine.kill_threads(r)
    r.ctx = nil
    r.uri_changed = true
    return r:over()
end


-- ngx.req.set_uri(uri, jump, binary)
local function set_uri(...)
    local n = select("#", ...)
    if n < 1 or n > 3 then
        error(format("expecting 1, 2 or 3 arguments but seen %d", n), 2)
    end
    local r = client()
    local given, jump, binary = ...
    local uri = text_of(given)
    if not uri then
        bad_argument(1, "set_uri", "string", given, 2)
    elseif uri == "" then
        error("attempt to use zero-length uri", 2)
    end
    if not (n == 3 and check_boolean(3, binary)) then
        check_safe(uri)
    end
    local jumps = n >= 2 and check_boolean(2, jump)
    if jumps and check(JUMP).pending then
        error("attempt to abort with pending subrequests", 2)
    end
    if jumps and log.debugs(r) then
        log.debug(r, 'lua set uri jump to "' .. uri .. '"')
    end
    r.uri = uri
    r.internal = true
    if jumps then
        return leave(start_over)
    end
    r.uri_changed, r.uri_rewritten = false, true
end


function _M.install(ngx)
    local req = ngx.req
    req.get_uri_args = get_uri_args
    req.get_post_args = get_post_args
    req.set_uri_args = set_uri_args
    req.set_uri = set_uri
end


return _M
