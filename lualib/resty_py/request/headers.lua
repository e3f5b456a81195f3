-- The headers of a request, as Lua sees and changes them.
--
-- They are the records of r.head.fields (http/meaning.lua), which requests
-- share: the first change gives the request fields of its own, whose `owner`
-- it is, and a changed header is another record. A subrequest may see fields of
-- its parent, which go on changing: nobody remembers what owned ones say.
--
--   collect(head, max, raw)   a table of them [, "truncated"]
--   join(head, key, comma)    the values of one, joined; nil where none is
--   set(r, name, value)       makes `value` the only one of its name
--   add(r, name, value)       puts one beside those of its name
--   clear(r, name)            takes all of a name out
--
-- Rules of changing:
--
-- 1. The first of the name gets the value and keeps its place and its name,
--    the others go.
-- 2. Of headers that nginx knows to be single, adding replaces.
-- 3. Host is also what $host and the log show. A new Connection comes too
--    late for whether this connection is kept, and a new Content-Length does
--    not change how much of the body is read.
--
-- Follows ngx_http_lua_headers_in.c.

local escape = require "resty_py.http.escape"
local host = require "resty_py.http.host"

local add_value = require "resty_py.codec.repeated".add
local concat = table.concat
local find = string.find
local gsub = string.gsub
local ipairs = ipairs
local new_table = require "table.new"
local tonumber = tonumber

local _M = {}

-- Headers with a slot of nginx's own.
local SINGLE = {}
for _, name in ipairs {
    "host", "connection", "if-modified-since", "if-unmodified-since",
    "if-match", "if-none-match", "user-agent", "referer", "content-length",
    "content-type", "range", "if-range", "transfer-encoding", "expect",
    "upgrade", "accept-encoding", "via", "authorization", "keep-alive",
    "x-real-ip", "depth", "destination", "overwrite", "date",
} do
    SINGLE[name] = true
end


-- Reading -------------------------------------------------------------------


-- Returns a table: name in lower case -> value, or array of values where a
-- name comes again [, "truncated"].
--   max   headers at most; 0 or less for no limit
--   raw   names as they came
function _M.collect(head, max, raw)
    local fields = head.fields
    local n, truncated = fields.n, nil
    if max > 0 and n > max then
        n, truncated = max, "truncated"
    end
    local found = new_table(0, n)
    for i = 1, n do
        local record = fields[i]
        add_value(found, raw and record.name or record.lower, record.value)
    end
    return found, truncated
end


-- Whether a record is the one of a variable, in whose names "-" is "_".
local function is_called(record, key)
    return record.lower == key
        or record.underscore and gsub(record.lower, "_", "-") == key
end


-- Returns the values of the headers called `key` (lower case, "-"), or nil.
--   separator   what to put between several
function _M.join(head, key, separator)
    local value, several
    local fields = head.fields
    for i = 1, fields.n do
        local record = fields[i]
        if is_called(record, key) then
            if not value then
                value = record.value
            else
                several = several or {value}
                several[#several + 1] = record.value
            end
        end
    end
    return several and concat(several, separator) or value
end


-- Changing ------------------------------------------------------------------


local function new_record(name, value, key)
    return {name = name, value = value, lower = key,
            underscore = find(key, "_", 1, true) ~= nil}
end


-- Returns fields that are the request's own.
local function own_fields(r)
    local fields = r.head.fields
    if fields.owner ~= r then
        local copy = {n = fields.n, owner = r}
        for i = 1, fields.n do
            copy[i] = fields[i]
        end
        fields = copy
        r.head.fields = fields
    end
    return fields
end


-- Takes out the headers called `key` from place `first` on.
local function drop(fields, first, key)
    local kept = first - 1
    for i = first, fields.n do
        if fields[i].lower ~= key then
            kept = kept + 1
            fields[kept] = fields[i]
        end
    end
    for i = kept + 1, fields.n do
        fields[i] = nil
    end
    fields.n = kept
end


local function append(fields, name, value, key)
    local n = fields.n + 1
    fields.n = n
    fields[n] = new_record(name, value, key)
end


local function replace(fields, name, value, key)
    for i = 1, fields.n do
        if fields[i].lower == key then
            fields[i] = new_record(fields[i].name, value, key)
            return drop(fields, i + 1, key)
        end
    end
    return append(fields, name, value, key)
end


-- Returns whether the value can be one of Host.
local function set_host(head, value, r)
    local name = host.normalize(value)
    if not name then
        return false
    end
    head.host, head.host_header = name, value
    if r.vars then
        r.vars.host = nil
    end
    return true
end


-- What of the body is still to be read goes by it as well.
local function set_length(head, value, r)
    if find(value, "[^0-9]") then
        return false
    end
    head.content_length = tonumber(value)
    if r.body_state == "unread" and not head.chunked then
        r.body_left = head.content_length
    end
    return true
end


local SETTERS = {host = set_host, ["content-length"] = set_length}


local function change(r, name, value, override)
    local record = escape.name(name)
    local key = record.lower
    value = escape.value(value)
    if value == "" and (override or SINGLE[key]) then
        return _M.clear(r, name)
    end
    local setter = SETTERS[key]
    if setter and not setter(r.head, value, r) then
        return false
    elseif override or SINGLE[key] then
        replace(own_fields(r), record.name, value, key)
    else
        append(own_fields(r), record.name, value, key)
    end
    return true
end


-- Makes `value` the only header of its name; "" is none.
-- Returns whether nginx takes it.
function _M.set(r, name, value)
    return change(r, name, value, true)
end


-- Puts a header beside those of its name. Returns whether nginx takes it.
function _M.add(r, name, value)
    return change(r, name, value, false)
end


-- Takes out all headers of a name. Returns true.
function _M.clear(r, name)
    local head = r.head
    local key = escape.name(name).lower
    if key == "host" then
        head.host, head.host_header = nil, nil
    end
    drop(own_fields(r), 1, key)
    return true
end


return _M
