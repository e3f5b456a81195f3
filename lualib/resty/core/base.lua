-- resty.core.base: what lua-resty-core's own modules share, and libraries take
-- from it.
--
-- Rules:
--
-- 1. There is no version lock: the runtime answers for its own modules.
-- 2. get_request() gives the runtime's record of the request, nil where there
--    is none. There is no ngx_http_request_t behind it.
-- 3. Functions that hand out C memory need LuaJIT's FFI and say so elsewhere.
--
-- Follows lua-resty-core's module of this name.

local scheduler = require "resty_py.scheduler"

local ceil = math.ceil
local error = error
local ngx = require "ngx"
local pairs = pairs
local pcall = pcall
local require = require
local select = select

-- Where ref_in_table() keeps the first free place of a table.
local FREE_LIST = 0

local _M = {
    version = "0.1.25",
    new_tab = require "table.new",
    clear_tab = require "table.clear",
    FFI_OK = 0,
    FFI_ERROR = -1,
    FFI_AGAIN = -2,
    FFI_BUSY = -3,
    FFI_DONE = -4,
    FFI_DECLINED = -5,
    FFI_NO_REQ_CTX = -100,
    FFI_BAD_CONTEXT = -101,
}

local string_buffer_size = 4096


function _M.get_request()
    local thread = scheduler.current
    return thread and thread.request or nil
end


-- Keeps a value in a table; returns its place, -1 for nil.
function _M.ref_in_table(t, value)
    if value == nil then
        return -1
    end
    local place = t[FREE_LIST]
    if place and place ~= 0 then
        t[FREE_LIST] = t[place]
    else
        place = #t + 1
    end
    t[place] = value
    return place
end


-- An error unless the subsystem is one of the arguments.
function _M.allows_subsystem(...)
    local subsystem = ngx.config.subsystem
    for i = 1, select("#", ...) do
        if select(i, ...) == subsystem then
            return
        end
    end
    error("unsupported subsystem: " .. subsystem, 2)
end


function _M.get_string_buf_size()
    return string_buffer_size
end


-- C memory -------------------------------------------------------------------


local function add_memory(ffi)
    local BYTES = ffi.typeof("char[?]")
    local kept, size_pointer, message_pointer

    function _M.set_string_buf_size(size)
        if size > 0 then
            string_buffer_size = ceil(size)
            kept = nil
        end
    end

    -- Memory of at least `size` bytes, the same each time unless must_alloc.
    function _M.get_string_buf(size, must_alloc)
        if must_alloc or size > string_buffer_size then
            return BYTES(size)
        end
        kept = kept or BYTES(string_buffer_size)
        return kept
    end

    function _M.get_size_ptr()
        size_pointer = size_pointer or ffi.new("size_t[1]")
        return size_pointer
    end

    function _M.get_errmsg_ptr()
        message_pointer = message_pointer or ffi.new("char *[1]")
        return message_pointer
    end
end


local function refuse(name)
    return function()
        error(name .. " needs the FFI of LuaJIT (--lua luajit21), which "
              .. _VERSION .. " does not have", 2)
    end
end


local has_ffi, ffi = pcall(require, "ffi")
if has_ffi then
    add_memory(ffi)
else
    for _, name in pairs {"set_string_buf_size", "get_string_buf",
                          "get_size_ptr", "get_errmsg_ptr"} do
        _M[name] = refuse(name)
    end
end


return _M
