-- The headers-more module: setting and clearing headers of responses and of
-- requests.
--
--   prepare(settings)  compiles header_changes; those of requests become
--                      input_headers
--   header_filter(settings)   f(r): more_set_headers, more_clear_headers; nil
--                      where there are none
--   input(r)           at the end of the rewrite phase:
--                      more_set_input_headers, more_clear_input_headers.
--                      Returns nil | -1 where nginx cuts the connection
--
-- Rules:
--
-- 1. Changes run in their order, those of outer blocks first. A change may be
--    for some statuses and types alone: `-s` and `-t` compare with the status
--    and the type without its parameters, for a request with the whole type.
-- 2. The first header of a name gets the value and keeps its place, the others
--    go. It keeps its name too, unless nginx has a slot for it. No value takes
--    all of them out, even what the server writes of its own accord.
-- 3. A name ending in "*" stands for all that begin so, of those that are
--    there; if none is, and there is a value, it is a name like any other.
-- 4. Connection and Transfer-Encoding are the server's to write: in a response
--    they are not sent. (nginx sends them beside its own.)
--
-- Follows ngx_http_headers_more_headers_out.c and …_headers_in.c.

local headers_in = require "resty_py.request.headers"
local template = require "resty_py.program.template"

local clear_input = headers_in.clear
local compile = template.compile
local find = string.find
local headers_of = require "resty_py.http.header_list".of
local ipairs = ipairs
local lower = string.lower
local match = string.match
local next = next
local set_input = headers_in.set
local sub = string.sub

local NGX_ERROR = -1
-- Digits of a length that a 64-bit offset always holds.
local MAX_DIGITS = 18

local _M = {}


-- Responses -----------------------------------------------------------------


-- These return nothing, or NGX_ERROR.


local function put_any(r, header, value)
    return headers_of(r):put(header.name, value, header.key)
end


local function put_builtin(r, header, value)
    return headers_of(r):put(header.name, value, header.key, true)
end


-- The server writes these itself where `own` does not say otherwise.
local function put_of_server(r, header, value)
    put_builtin(r, header, value)
    local own = r.headers.own or {}
    r.headers.own = own
    own[header.key] = false
end


local function put_content_type(r, _, value)
    r.content_type = value
    headers_of(r):clear("content-type")
end


local function put_content_length(r, header, value)
    if find(value, "[^0-9]") or #value > MAX_DIGITS then
        return NGX_ERROR
    end
    r.content_length = nil
    return put_builtin(r, header, value)
end


local function put_last_modified(r, header, value)
    if value == "" then
        r.last_modified = nil
    end
    return put_builtin(r, header, value)
end


local function put_accept_ranges(r, header, value)
    if value == "" then
        r.allow_ranges = false
    end
    return put_builtin(r, header, value)
end


-- nginx makes a path a whole URL, whoever has set it.
local function put_location(r, header, value)
    r.local_redirect = sub(value, 1, 1) == "/"
    return put_builtin(r, header, value)
end


-- Where there is none, one without a value is sent.
local function put_cache_control(r, header, value)
    local headers, key = headers_of(r), header.key
    if headers:find(key) then
        return put_any(r, header, value)
    end
    headers:add("Cache-Control", value, key)
end


local PUT = {
    ["server"] = put_of_server,
    ["date"] = put_of_server,
    ["content-type"] = put_content_type,
    ["content-length"] = put_content_length,
    ["last-modified"] = put_last_modified,
    ["accept-ranges"] = put_accept_ranges,
    ["location"] = put_location,
    ["cache-control"] = put_cache_control,
}
for _, key in ipairs {"content-encoding", "refresh", "content-range",
                      "www-authenticate", "expires"} do
    PUT[key] = put_builtin
end


-- Gives the value to the first header that begins so, and takes the others
-- out; returns whether there was any.
local function put_matching(headers, prefix, value)
    local found, kept = {}, nil
    for i = 1, headers.n do
        local key = headers.key[i]
        if sub(key, 1, #prefix) == prefix then
            kept = kept or value ~= "" and i
            found[key] = true
        end
    end
    local name = kept and headers.name[kept]
    if kept then
        local key = headers.key[kept]
        headers:set(name, value, key)
        found[key] = nil
    end
    for key in next, found do
        headers:clear(key)
    end
    return kept or next(found) ~= nil
end


local function put_wildcard(r, header, value)
    local headers = headers_of(r)
    if not put_matching(headers, header.prefix, value) and value ~= "" then
        headers:add(header.name, value, header.key)
    end
end


local function is_for(r, change)
    local statuses, types = change.statuses, change.types
    if statuses and not statuses[r.status] then
        return false
    elseif not types then
        return true
    end
    return types[match(r.content_type or "", "^[^;]*")]
end


-- Returns nothing, or NGX_ERROR.
local function apply(r, change)
    local headers = change.headers
    for i = 1, #headers do
        local header = headers[i]
        local err = header.put(r, header, header.value(r))
        if err then
            return err
        end
    end
end


local function filter(r)
    local changes = r.settings.header_changes
    for i = 1, #changes do
        if is_for(r, changes[i]) and apply(r, changes[i]) then
            r.filter_failed = true
            return
        end
    end
end


function _M.header_filter(settings)
    return settings.header_changes and filter
end


-- Requests ------------------------------------------------------------------


-- Returns the first record of a request header, or nil.
local function field_of(r, key)
    local fields = r.head.fields
    for i = 1, fields.n do
        if fields[i].lower == key then
            return fields[i]
        end
    end
end


local function clear_matching(r, prefix)
    local fields, found = r.head.fields, {}
    for i = 1, fields.n do
        local key = fields[i].lower
        if sub(key, 1, #prefix) == prefix then
            found[key] = true
        end
    end
    for key in next, found do
        clear_input(r, key)
    end
end


-- Returns whether nginx takes it.
local function change_input(r, header, value, replace)
    if value == "" then
        if header.prefix then
            clear_matching(r, header.prefix)
            return true
        end
        return clear_input(r, header.name)
    end
    return replace and not field_of(r, header.key)
        or set_input(r, header.name, value)
end


local function is_for_input(r, change)
    local types = change.types
    if not types then
        return true
    end
    local field = field_of(r, "content-type")
    return field and types[field.value]
end


local function apply_input(r, change)
    local headers = change.headers
    for i = 1, #headers do
        local header = headers[i]
        if not change_input(r, header, header.value(r), change.replace) then
            return false
        end
    end
    return true
end


function _M.input(r)
    local changes = r.settings.input_headers
    if not changes or r.version < 10 then
        return
    end
    for i = 1, #changes do
        if is_for_input(r, changes[i]) and not apply_input(r, changes[i]) then
            return NGX_ERROR
        end
    end
end


-- The configuration ---------------------------------------------------------


-- given: {name, template}
local function compile_header(given)
    local name = given[1]
    local key = lower(name)
    local prefix = match(key, "^(.+)%*$")
    return {
        name = name,
        key = key,
        prefix = prefix,
        value = compile(given[2]),
        put = prefix and put_wildcard or PUT[key] or put_any,
    }
end


-- Returns nil where nothing is named: all are meant.
local function set_of(items)
    if not items or #items == 0 then
        return nil
    end
    local set = {}
    for _, item in ipairs(items) do
        set[item] = true
    end
    return set
end


local function compile_change(given)
    local headers = {}
    for i, header in ipairs(given.headers) do
        headers[i] = compile_header(header)
    end
    return {
        headers = headers,
        statuses = set_of(given.statuses),
        types = set_of(given.types),
        replace = given.replace,
    }
end


function _M.prepare(settings)
    local outputs, inputs = {}, {}
    for _, given in ipairs(settings.header_changes or {}) do
        local changes = find(given.command, "_input_", 1, true) and inputs
            or outputs
        changes[#changes + 1] = compile_change(given)
    end
    settings.header_changes = outputs[1] and outputs or nil
    settings.input_headers = inputs[1] and inputs or nil
end


return _M
