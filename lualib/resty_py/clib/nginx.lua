-- nginx's C functions that libraries call by ffi.C, in Lua.
--
-- They are called as C functions are: with pointers, arrays or strings, and
-- sizes; a pointer that they return is one behind what they wrote. A number
-- is 64 bits wide where nginx's is. Errors are nginx's: -1, NGX_ERROR.
--
-- Follows ngx_string.c, ngx_parse_time.c and ngx_times.c.

local base64 = require "resty_py.codec.base64"
local ffi = require "ffi"
local httptime = require "resty_py.codec.httptime"
local log = require "resty_py.log"
local methods = require "resty_py.request.methods"
local scheduler = require "resty_py.scheduler"

local byte = string.byte
local cast = ffi.cast
local char = string.char
local copy = ffi.copy
local find = string.find
local format = string.format
local gsub = string.gsub
local int64 = ffi.typeof("int64_t")
local pairs = pairs
local registry = debug.getregistry()
local text_of = ffi.string
local tonumber = tonumber

local BYTES = ffi.typeof("unsigned char *")
local ADDRESS = ffi.typeof("uintptr_t")

local OK = 0
local ERROR = int64(-1)
local MAX = 0x7fffffffffffffffLL

local _M = {}


-- Writes `text` at `target`; returns the pointer behind it.
local function put(target, text)
    target = cast(BYTES, target)
    copy(target, text, #text)
    return target + #text
end


-- Numbers ---------------------------------------------------------------------


-- The number that digits of a base make, NGX_ERROR where it does not fit.
local function parse(digits, base)
    local value = int64(0)
    for i = 1, #digits do
        local digit = tonumber(digits:sub(i, i), base)
        if value > (MAX - digit) / base then
            return ERROR
        end
        value = value * base + digit
    end
    return value
end


function _M.ngx_atoi(line, n)
    local digits = text_of(line, n)
    return find(digits, "^%d+$") and parse(digits, 10) or ERROR
end


function _M.ngx_hextoi(line, n)
    local digits = text_of(line, n)
    return find(digits, "^%x+$") and parse(digits, 16) or ERROR
end


-- Text ------------------------------------------------------------------------


local function hex(character)
    return format("%02x", byte(character))
end


function _M.ngx_hex_dump(target, source, size)
    return put(target, (gsub(text_of(source, size), ".", hex)))
end


-- Printable characters that ngx_escape_uri() escapes, by type: more than
-- ngx.escape_uri(), for nginx has added some since (1.21.1).
local PRINTABLE = {
    [0] = [["#%<>?\^`{|}]],
    [1] = [["#%&+;<>?\^`{|}]],
    [2] = [[!"#$%&'()*+,/:;<=>?@[\]^`{|}]],
    [3] = [["#%'<>\^`{|}]],
    [4] = [["'<>\^`{|~]],
    [5] = "%",
    [6] = "%",
}

-- Types that leave bytes from DEL on as they are.
local EIGHT_BITS = {[5] = true, [6] = true}

-- Type -> byte -> what it becomes.
local escapes = {}
for kind, printable in pairs(PRINTABLE) do
    escapes[kind] = {}
    for value = 0, 255 do
        local character = char(value)
        if value <= 32 or value >= 127 and not EIGHT_BITS[kind]
            or find(printable, character, 1, true)
        then
            escapes[kind][character] = format("%%%02X", value)
        end
    end
end


-- Without a target: how many bytes of the source would be escaped.
function _M.ngx_escape_uri(target, source, size, kind)
    local text = text_of(source, size)
    local escaped = gsub(text, ".", escapes[tonumber(kind)])
    if target == nil then
        return cast(ADDRESS, (#escaped - #text) / 2)
    end
    return cast(ADDRESS, put(target, escaped))
end


local function encode(encoder)
    return function(target, source)
        local text = encoder(text_of(source.data, source.len))
        put(target.data, text)
        target.len = #text
    end
end


local function decode(decoder)
    return function(target, source)
        local text = decoder(text_of(source.data, source.len))
        if not text then
            return ERROR
        end
        put(target.data, text)
        target.len = #text
        return int64(OK)
    end
end


_M.ngx_encode_base64 = encode(base64.encode)
_M.ngx_encode_base64url = encode(base64.encode_url)
_M.ngx_decode_base64 = decode(base64.decode)
_M.ngx_decode_base64url = decode(base64.decode_url)


-- Time ------------------------------------------------------------------------


function _M.ngx_parse_http_time(value, size)
    local seconds = httptime.parse_http_time(text_of(value, size))
    return seconds and int64(seconds) or ERROR
end


function _M.ngx_http_time(target, seconds)
    return put(target, httptime.http_time(tonumber(seconds)))
end


function _M.ngx_http_cookie_time(target, seconds)
    return put(target, httptime.cookie_time(tonumber(seconds)))
end


-- The request -----------------------------------------------------------------


local IDS = {}
for id, name in pairs(methods) do
    IDS[name] = id
end

-- NGX_HTTP_UNKNOWN; and what is no request.
local UNKNOWN_METHOD, BAD_CONTEXT = 0x1, -101


-- r: as resty.core.base's get_request() gives it
function _M.ngx_http_lua_ffi_req_get_method(r)
    local head = r and r.head
    if not head then
        return BAD_CONTEXT
    end
    return IDS[r.method] or UNKNOWN_METHOD
end


-- lua-resty-core keeps the tables of ngx.ctx under numbers; libraries that hand
-- one to another request look there. Here a number is given when it is asked
-- for, and keeps no table alive.
local contexts = registry.ngx_lua_ctx_tables
local last_reference = 0

-- NGX_HTTP_LUA_FFI_NO_REQ_CTX; LUA_NOREF: there is no table yet.
local NO_REQUEST, NO_REFERENCE = -100, -2


function _M.ngx_http_lua_ffi_get_ctx_ref(r)
    if not r then
        return NO_REQUEST
    elseif not r.ctx then
        return NO_REFERENCE
    elseif contexts[r.ctx_reference] ~= r.ctx then
        last_reference = last_reference + 1
        r.ctx_reference = last_reference
        contexts[last_reference] = r.ctx
    end
    return r.ctx_reference
end


function _M.ngx_http_lua_ffi_set_ctx_ref(r, reference)
    if not r then
        return NO_REQUEST
    end
    r.ctx_reference = tonumber(reference)
    r.ctx = contexts[r.ctx_reference]
    return OK
end


function _M.ngx_http_lua_ffi_raw_log(r, level, text, size)
    level = tonumber(level)
    if level < log.STDERR or level > log.DEBUG then
        return -1
    end
    text = text_of(text, size)
    local current = r or scheduler.current and scheduler.current.request
    if current then
        log.request(current, level, text)
    else
        log.write(level, text)
    end
    return OK
end


return _M
