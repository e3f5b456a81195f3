-- ngx.req: headers, method, and what else the request's head says.
--
-- Follows resty.core.request and ngx_http_lua_headers.c.

local head_of = require "resty_py.http.head"
local headers = require "resty_py.request.headers"
local log = require "resty_py.log"
local memo = require "resty_py.http.memo"
local methods = require "resty_py.request.methods"
local phases = require "resty_py.request.phases"
local scalar = require "resty_py.api.scalar"

local client = phases.client
local collect = headers.collect
local current = phases.request
local error = error
local floor = math.floor
local format = string.format
local gsub = string.gsub
local lower = string.lower
local rawget = rawget
local recall = memo.recall
local setmetatable = setmetatable
local store = memo.store
local to_text = scalar.any
local type = type

-- Headers that get_headers gives by default: NGX_HTTP_LUA_MAX_HEADERS.
local MAX_HEADERS = 100
-- Names kept per generation; longer ones are read each time.
local NAMES = 256
local NAME_LENGTH = 64

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001

local VERSIONS = {[9] = 0.9, [10] = 1, [11] = 1.1}

local _M = {}


-- Headers -------------------------------------------------------------------


-- Names as they were asked for -> as they are kept.
local keys = memo.new(NAMES)


local function key_of(name)
    local key = recall(keys, name)
    if key then
        return key
    end
    key = gsub(lower(name), "_", "-")
    if type(name) ~= "string" or #name > NAME_LENGTH then
        return key
    end
    return store(keys, name, key)
end


local normalizing = {
    __index = function(found, name)
        return rawget(found, keys.young[name] or key_of(name))
    end,
}


local function get_headers(max, raw)
    local r = client()
    if max and type(max) ~= "number" then
        error(format("bad argument #1 to 'get_headers' (number expected, got "
                     .. "%s)", type(max)), 2)
    elseif not max or max < 0 then
        max = MAX_HEADERS
    end
    local found, truncated = collect(r.head, floor(max), raw)
    if truncated and log.debugs(r) then
        log.debug(r, format("lua exceeding request header limit %d > %d",
                            r.head.fields.n, max))
    end
    if not raw then
        setmetatable(found, normalizing)
    end
    if truncated then
        return found, truncated
    end
    return found
end


-- As in OpenResty the elements of the user's array become strings.
local function put_all(r, name, values, override)
    if #values == 0 then
        return headers.clear(r, name)
    end
    for i = 1, #values do
        local value = to_text(values[i])
        values[i] = value
        local put = override and i == 1 and headers.set or headers.add
        if not put(r, name, value) then
            return false
        end
    end
    return true
end


local function put(r, name, value, override)
    if type(value) == "table" then
        return put_all(r, name, value, override)
    end
    local change = override and headers.set or headers.add
    return change(r, name, to_text(value))
end


-- Sets a request header, or adds one beside those of its name; an error for
-- the caller of the API function in what is no header.
local function change(r, name, value, override)
    if name == nil then
        error("bad 'name' argument: string expected, got nil", 3)
    elseif value == nil and not override then
        error("bad 'value' argument: string or table expected, got nil", 3)
    elseif not override and type(value) == "table" and #value == 0 then
        error("bad 'value' argument: non-empty table expected", 3)
    end
    local is_taken
    if r.version < 10 then
        is_taken = true
    elseif value == nil then
        is_taken = headers.clear(r, to_text(name))
    else
        is_taken = put(r, to_text(name), value, override)
    end
    if not is_taken then
        error("failed to set header", 3)
    end
end


-- ngx.req.set_header(name, value): a string, an array, or nil for none.
function _M.set_header(name, value)
    change(client(), name, value, true)
end


-- add_header(name, value) of the module ngx.req.
function _M.add_header(name, value)
    change(client(), name, value, false)
end


local function clear_header(name)
    local r = client()
    if r.version >= 10 then
        headers.clear(r, to_text(name))
    end
end


-- The rest of the head ------------------------------------------------------


local function raw_header(no_request_line)
    local r = client()
    return head_of.raw(r.head, no_request_line)
end


local function http_version()
    local r = client()
    return VERSIONS[r.version]
end


local function get_method()
    local r = client()
    return r.method
end


local function set_method(id)
    local r = client()
    if type(id) ~= "number" then
        error("bad method number", 2)
    end
    local method = methods[floor(id)]
    if not method then
        error("unsupported HTTP method: " .. to_text(id), 2)
    end
    r.method = method
end


local function start_time()
    local r = current()
    return floor((r.start_wall or 0) * 1000 + SLACK) / 1000
end


local function is_internal()
    local r = client()
    return r.internal
end


function _M.install(ngx)
    local req = ngx.req
    req.get_headers = get_headers
    req.set_header = _M.set_header
    req.clear_header = clear_header
    req.raw_header = raw_header
    req.http_version = http_version
    req.get_method = get_method
    req.set_method = set_method
    req.start_time = start_time
    req.is_internal = is_internal
end


return _M
