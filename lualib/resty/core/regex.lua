-- resty.core.regex: settings of ngx.re, which the runtime has installed.
--
--   is_regex_cache_empty()      whether no pattern was kept yet
--   set_buf_grow_ratio(ratio)   how result buffers grow: here they do by
--                               themselves, so any number will do
--   re_match_compile(pattern, options), re_sub_compile(…)
--                               a compiled regular expression | nil, err
--   destroy_compiled_regex(re)  frees one that is not kept
--   check_buf_size(buffer, size, pos, length, new_length, must_alloc)
--                               a buffer that holds new_length bytes, with the
--                               first `pos` of the old one; its size, its
--                               place, new_length: for LuaJIT
--   no_pcre                     false
--
-- Compiled ones are the runtime's own: there is no ngx_http_lua_regex_t in
-- them, so collect_captures() has none to read.

local base = require "resty.core.base"
local cache = require "resty_py.regex.cache"
local regex = require "resty_py.regex"

local ceil = math.ceil
local error = error
local pcall = pcall
local require = require
local type = type

local buffer_growth = 2

local _M = {
    version = base.version,
    destroy_compiled_regex = regex.release,
    is_regex_cache_empty = cache.is_empty,
    no_pcre = false,
}


function _M.set_buf_grow_ratio(ratio)
    if type(ratio) ~= "number" then
        error("ratio is not a number", 2)
    end
    buffer_growth = ratio
end


-- The frames between are counted where an error blames a caller.
function _M.re_match_compile(pattern, options)
    local re, err = regex.compile(pattern, options)
    return re, err
end


_M.re_sub_compile = _M.re_match_compile


function _M.collect_captures()
    error("collect_captures() reads nginx's own compiled regular expressions, "
          .. "which resty-py does not have", 2)
end


local has_ffi, ffi = pcall(require, "ffi")


local function check_buf_size(buffer, size, pos, length, new_length, must_alloc)
    if new_length <= size then
        return buffer, size, pos, new_length
    end
    size = ceil(size * buffer_growth)
    if size < new_length then
        size = new_length
    end
    local larger = base.get_string_buf(size, must_alloc)
    ffi.copy(larger, buffer, length)
    return larger, size, larger + length, new_length
end


_M.check_buf_size = has_ffi and check_buf_size or base.get_string_buf

return _M
