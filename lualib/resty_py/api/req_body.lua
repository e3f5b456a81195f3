-- ngx.req: the request body.
--
-- Follows ngx_http_lua_req_body.c: the order of the refusals and their
-- texts. What body_state says is written in request/body.lua.

local body = require "resty_py.request.body"
local engine = require "resty_py.request.engine"
local files = require "resty_py.native".files
local headers = require "resty_py.request.headers"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local text = require "resty_py.codec.text"

local check = phases.check
local client = phases.client
local error = error
local floor = math.floor
local format = string.format
local leave = scheduler.leave
local new_sink = body.new_sink
local select = select
local sub = string.sub
local text_of = text.check
local tonumber = tonumber
local type = type

local OUTPUT = phases.OUTPUT

local _M = {}


-- Raises an error for the caller of the API function that called this.
local function no_arguments(...)
    if select("#", ...) > 0 then
        error(format("expecting 0 arguments but seen %d", select("#", ...)),
              3)
    end
end


local function bad_argument(position, name, expected, value)
    error(format("bad argument #%d to '%s' (%s expected, got %s)", position,
                 name, expected, type(value)), 3)
end


-- Reading -------------------------------------------------------------------


local function read_body(...)
    no_arguments(...)
    local r = check(OUTPUT)
    local ok, code = body.read(r)
    if not ok then
        return leave(engine.exit, code)
    end
end


local function discard_body(...)
    no_arguments(...)
    local r = client()
    if not body.discard(r) then
        error("failed to discard request body", 2)
    end
end


-- ngx.req.get_body_data(max): at most `max` bytes, where that is given.
local function get_body_data(...)
    local n = select("#", ...)
    if n > 1 then
        error(format("expecting 0 or 1 arguments but seen %d", n), 2)
    end
    local max = ...
    if n == 1 and type(max) ~= "number" then
        bad_argument(1, "get_body_data", "number", max)
    end
    local r = client()
    local data = r.body_data
    if data and max and max > 0 then
        return sub(data, 1, floor(max))
    end
    return data
end


local function get_body_file(...)
    no_arguments(...)
    local r = client()
    return r.body_file
end


-- Replacing -----------------------------------------------------------------


-- Raises an error, for the caller of the API function that called this, where
-- the body cannot be replaced.
local function check_read(r)
    if r.body_state == "discarded" then
        error("request body already discarded asynchronously", 3)
    elseif r.body_state ~= "read" and r.body_state ~= "socket" then
        error("request body not read yet", 3)
    end
end


-- Forgets the body that the request had. What a request socket reads is none
-- of its own any more.
local function clear(r)
    r.body_state = "read"
    body.drop_file(r)
    r.body_data, r.body_file, r.body_file_owned = nil, nil, nil
end


local function set_length(r, size)
    headers.set(r, "Content-Length", format("%d", size))
end


local function set_body_data(...)
    local n = select("#", ...)
    if n ~= 1 then
        error(format("expecting 1 arguments but seen %d", n), 2)
    end
    local data = text_of((...))
    if not data then
        bad_argument(1, "set_body_data", "string", (...))
    end
    local r = client()
    check_read(r)
    clear(r)
    r.body_data = data ~= "" and data or nil
    set_length(r, #data)
end


-- ngx.req.set_body_file(path, auto_clean)
local function set_body_file(...)
    local n = select("#", ...)
    if n ~= 1 and n ~= 2 then
        error(format("expecting 1 or 2 arguments but seen %d", n), 2)
    end
    local given, auto_clean = ...
    local path = text_of(given)
    if not path then
        bad_argument(1, "set_body_file", "string", given)
    end
    local r = client()
    check_read(r)
    if n == 2 and type(auto_clean) ~= "boolean" then
        bad_argument(2, "set_body_file", "boolean", auto_clean)
    end
    local size, err = files.size(path)
    if not size then
        error(err, 2)
    end
    clear(r)
    r.body_file = path
    r.body_file_owned = auto_clean or nil
    set_length(r, size)
end


-- Writing anew --------------------------------------------------------------


local function drop_draft(r)
    if r.body_sink then
        r.body_sink:drop()
        r.body_sink = nil
    end
end


-- ngx.req.init_body(size): `size` bytes are kept in memory.
local function init_body(...)
    local n = select("#", ...)
    if n > 1 then
        error(format("expecting 0 or 1 argument but seen %d", n), 2)
    end
    local r = client()
    check_read(r)
    local size = tonumber((...))
    if n == 1 and not size then
        bad_argument(1, "init_body", "number", (...))
    elseif size and size < 0 then
        error(format("bad size argument: %d", floor(size)), 2)
    end
    clear(r)
    drop_draft(r)
    r.body_sink = new_sink(r, size or r.settings.client_body_buffer_size)
end


local function draft_of(r)
    local sink = r.body_state == "read" and r.body_sink
    if not sink then
        error("request_body not initialized", 3)
    end
    return sink
end


local function append_body(...)
    local n = select("#", ...)
    if n ~= 1 then
        error(format("expecting 1 arguments but seen %d", n), 2)
    end
    local data = text_of((...))
    if not data then
        bad_argument(1, "append_body", "string", (...))
    end
    local r = client()
    local sink = draft_of(r)
    if not sink:put(data) then
        error("fail to write file", 2)
    end
end


local function finish_body(...)
    local n = select("#", ...)
    if n > 0 then
        error(format("expecting 0 argument but seen %d", n), 2)
    end
    local r = client()
    local sink = draft_of(r)
    r.body_sink = nil
    sink:settle(r)
    set_length(r, sink.size)
end


function _M.install(ngx)
    local req = ngx.req
    req.read_body = read_body
    req.discard_body = discard_body
    req.get_body_data = get_body_data
    req.get_body_file = get_body_file
    req.set_body_data = set_body_data
    req.set_body_file = set_body_file
    req.init_body = init_body
    req.append_body = append_body
    req.finish_body = finish_body
end


return _M
