-- ngx.location.capture and capture_multi: subrequests whose answers are kept.
--
-- Follows ngx_http_lua_subrequest.c: the order of the refusals and their texts.

local encode = require "resty_py.codec.args".encode
local log = require "resty_py.log"
local methods = require "resty_py.request.methods"
local phases = require "resty_py.request.phases"
local status = require "resty_py.http.status"
local subrequest = require "resty_py.request.subrequest"
local target = require "resty_py.request.target"
local text = require "resty_py.codec.text"
local variables = require "resty_py.request.variables"

local add_value = require "resty_py.codec.repeated".add
local check = phases.check
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local http_time = require "resty_py.codec.httptime".http_time
local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local select = select
local tonumber = tonumber
local type = type
local unpack = unpack or table.unpack  -- luacheck: ignore 143

local PHASES = phases.SUBREQUEST

-- NGX_HTTP_GET.
local GET = 2

local ADJUST = "failed to adjust the subrequest: "

local _M = {}


-- Options --------------------------------------------------------------------


-- These return the value of an option | nil, what is wrong with it.


local function read_args(value)
    local kind = type(value)
    if kind == "table" then
        return encode(value)
    elseif kind == "string" or kind == "number" then
        return text.check(value)
    end
    return nil, "Bad args option value"
end


local function read_method(value)
    if type(value) ~= "number" then
        return nil, "Bad http request method"
    end
    return floor(value)
end


local function read_ctx(value)
    if type(value) ~= "table" then
        return nil, format("Bad ctx option value type %s, expected a Lua table",
                           type(value))
    end
    return value
end


local function read_body(value)
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
        return nil, "Bad http request body"
    end
    return text.check(value)
end


local function read_vars(value)
    if type(value) ~= "table" then
        return nil, "Bad vars option value"
    end
    for name, each in pairs(value) do
        local kind = type(each)
        if type(name) ~= "string" then
            return nil, 'attempt to use a non-string key in the "vars" option '
                .. "table"
        elseif kind ~= "string" and kind ~= "number" then
            return nil, "attempt to use bad variable value type " .. kind
        end
    end
    return value
end


local function read_flag(name)
    return function(value)
        if type(value) ~= "boolean" then
            return nil, "Bad " .. name .. " option value"
        end
        return value
    end
end


local function read_truth(value)
    return value and true or false
end


-- In the order in which they are looked at.
local READERS = {
    {"args", read_args},
    {"vars", read_vars},
    {"share_all_vars", read_flag("share_all_vars")},
    {"copy_all_vars", read_flag("copy_all_vars")},
    {"always_forward_body", read_truth},
    {"method", read_method},
    {"ctx", read_ctx},
    {"body", read_body},
}


local function read_options(given)
    local options = {}
    for _, reader in ipairs(READERS) do
        local name = reader[1]
        local value = given[name]
        if value ~= nil then
            local err
            value, err = reader[2](value)
            if err then
                return nil, err
            end
            options[name] = value
        end
    end
    return options
end


-- Requests -------------------------------------------------------------------


local function join_args(own, extra)
    if own and own ~= "" and extra and extra ~= "" then
        return own .. "&" .. extra
    end
    return extra and extra ~= "" and extra or own
end


local function copy_vars(from)
    local to = {}
    for name, value in pairs(from or {}) do
        to[name] = value
    end
    return to
end


local function refuse_variable(r, name, err)
    if find(err, "not changeable$") then
        log.request(r, log.ERR, err)
        return nil, ADJUST .. "500"
    end
    log.request(r, log.ERR, format(
        'variable "%s" cannot be assigned a value (maybe you forgot to '
        .. "define it first?) ", name))
    return nil, ADJUST .. "-1"
end


-- Returns the variables of a subrequest, and its $args where they are among
-- them | nil, err.
local function vars_of(r, options)
    if options.share_all_vars then
        r.vars = r.vars or {}
    end
    local vars = options.share_all_vars and r.vars
        or options.copy_all_vars and copy_vars(r.vars) or {}
    if not options.vars then
        return vars
    end
    local holder = {vars = vars}
    for name, value in pairs(options.vars) do
        local ok, err = variables.set(holder, lower(name), text.check(value))
        if not ok then
            return refuse_variable(r, name, err)
        end
    end
    return vars, holder.args
end


local NO_OPTIONS = {}
local FORWARDING = {PUT = true, POST = true}


-- The header lines of the parent, with a Content-Length that fits the body.
-- Returns them and that length, nil where the parent's do.
local function headers_of(r, body, forwards)
    if not body and forwards and not r.head.chunked then
        return nil
    end
    local own, length = {n = 0}, nil
    if body then
        length = #body
    elseif forwards and r.body_state == "read" then
        length = tonumber(variables.get(r, "content_length"))
    end
    if length then
        own[1] = {name = "Content-Length", lower = "content-length",
                  value = format("%d", length), underscore = false}
        own.n = 1
    end
    local fields = r.head.fields
    for i = 1, fields.n do
        if fields[i].lower ~= "content-length" then
            own.n = own.n + 1
            own[own.n] = fields[i]
        end
    end
    return own, length
end


-- Returns what subrequest.capture takes | nil, err.
local function prepare(r, uri, options)
    local path, args = target.parse(r, uri, true)
    if not path then
        return nil, "unsafe uri in argument #1: " .. uri
    end
    local method = methods[options.method or GET]
    if not method then
        log.request(r, log.ERR, "unsupported HTTP method: " .. options.method)
        return nil, ADJUST .. "-1"
    end
    local vars, own_args = vars_of(r, options)
    if not vars then
        return nil, own_args
    end
    args = own_args or join_args(args, options.args)
    if log.debugs(r) then
        log.debug(r, format('lua http subrequest "%s?%s"', path, args or ""))
    end
    local forwards = options.always_forward_body or FORWARDING[method]
        or (r.head.content_length or 0) == 0
    local headers, length = headers_of(r, options.body, forwards)
    return {
        uri = path,
        args = args,
        method = method,
        vars = vars,
        ctx = options.ctx,
        body = options.body,
        forward_body = forwards,
        headers = headers,
        content_length = length,
    }
end


local function read_query(r, i, query)
    if type(query) ~= "table" then
        return nil, format("the query argument %d is not a table, but a %s",
                           i - 1, type(query))
    end
    local n = #query
    if n ~= 1 and n ~= 2 then
        return nil, format("query argument %d expecting one or two arguments",
                           i - 1)
    end
    local given = query[2]
    if n == 2 and type(given) ~= "table" then
        return nil, format("expecting table as the 2nd argument for subrequest "
                           .. "%d, but got %s", i - 1, type(given))
    end
    local options, err = NO_OPTIONS, nil
    if given then
        options, err = read_options(given)
    end
    if not options then
        return nil, err
    end
    local uri = text.check(query[1])
    if not uri then
        return nil, format("bad argument #3 to '?' (string expected, got %s)",
                           type(query[1]))
    end
    return prepare(r, uri, options)
end


-- Answers --------------------------------------------------------------------


local TIMED = {[200] = true, [206] = true, [304] = true, [204] = true}


local function headers_to_lua(sr)
    local found = {}
    local headers = sr.headers
    for i = 1, headers and headers.n or 0 do
        add_value(found, headers.name[i], headers.value[i])
    end
    if sr.content_type and sr.content_type ~= "" then
        found["Content-Type"] = sr.content_type
    end
    if sr.content_length and not (headers and headers:find("content-length"))
    then
        found["Content-Length"] = sr.content_length
    end
    if sr.last_modified and TIMED[sr.status]
       and not (headers and headers:find("last-modified"))
    then
        found["Last-Modified"] = http_time(sr.last_modified)
    end
    return found
end


local function answer(sr)
    return {
        status = status.shown(sr.status),
        truncated = not sr.eof or sr.is_truncated or sr.header_only,
        body = subrequest.body(sr),
        header = headers_to_lua(sr),
    }
end


local function answers(group)
    local found = {}
    for i = 1, #group do
        found[i] = answer(group[i])
    end
    return unpack(found, 1, #group)
end


-- The API --------------------------------------------------------------------


-- Returns the subrequests of all queries, done | nil, err.
local function capture_all(r, queries)
    local list = {}
    for i = 1, #queries do
        local wanted, err = read_query(r, i, queries[i])
        if not wanted then
            return nil, err
        end
        list[i] = wanted
    end
    return subrequest.capture(r, list)
end


local function capture_multi(...)
    local n = select("#", ...)
    if n ~= 1 then
        error("only one argument is expected, but got " .. n, 2)
    end
    local queries = ...
    if type(queries) ~= "table" then
        error(format("bad argument #1 to 'capture_multi' (table expected, got "
                     .. "%s)", type(queries)), 2)
    elseif #queries == 0 then
        error("at least one subrequest should be specified", 2)
    end
    local r = check(PHASES)
    local group, err = capture_all(r, queries)
    if not group then
        error(err, 2)
    end
    return answers(group)
end


local function capture(...)
    local n = select("#", ...)
    if n ~= 1 and n ~= 2 then
        error("expecting one or two arguments", 2)
    end
    local r = check(PHASES)
    local wanted, err = read_query(r, 1, {...})
    local group
    if wanted then
        group, err = subrequest.capture(r, {wanted})
    end
    if not group then
        error(err, 2)
    end
    return answer(group[1])
end


function _M.install(ngx)
    ngx.location = {capture = capture, capture_multi = capture_multi}
end


return _M
