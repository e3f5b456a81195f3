-- Data over TLS by LuaJIT's FFI: the fast half of resty_py.tls.transfer.
--
-- The C names are private aliases (resty_py_*), so that a library's own
-- `ffi.cdef` of SSL_read, … cannot clash.

local ffi = require "ffi"
local native = require "resty_py.native"

local cast = ffi.cast
local errno = ffi.errno
local failure = native.tls.failure
local ffi_string = ffi.string
local min = math.min

ffi.cdef [[
void resty_py_err_clear(void) __asm__("ERR_clear_error");
int resty_py_ssl_read(void *, void *, int) __asm__("SSL_read");
int resty_py_ssl_peek(void *, void *, int) __asm__("SSL_peek");
int resty_py_ssl_write(void *, const char *, int) __asm__("SSL_write");
int resty_py_ssl_get_error(const void *, int) __asm__("SSL_get_error");
]]

local C = ffi.load((native.tls.libraries()))

-- SSL_ERROR_*
local WANT_READ, WANT_WRITE, SYSCALL, ZERO_RETURN = 2, 3, 5, 6

-- The most plaintext in a record: SSL3_RT_MAX_PLAIN_LENGTH.
local RECORD_SIZE = 16384

local memory = ffi.new("char[?]", RECORD_SIZE)

local _M = {}


local function read_failed(channel, count)
    local kind = C.resty_py_ssl_get_error(channel, count)
    if kind == WANT_READ then
        return nil, "again"
    elseif kind == WANT_WRITE then
        return nil, "write"
    elseif kind == ZERO_RETURN or kind == SYSCALL then
        -- nginx takes whatever breaks the connection below TLS for its end.
        return ""
    end
    return failure("SSL_read", 0)
end


function _M.read(channel, max)
    C.resty_py_err_clear()
    local count = C.resty_py_ssl_read(channel, memory, min(max, RECORD_SIZE))
    if count > 0 then
        return ffi_string(memory, count)
    end
    return read_failed(channel, count)
end


function _M.peek(channel)
    C.resty_py_err_clear()
    local count = C.resty_py_ssl_peek(channel, memory, 1)
    if count > 0 then
        return ffi_string(memory, count)
    end
    return read_failed(channel, count)
end


local function write_failed(channel, count)
    local code = errno()
    local kind = C.resty_py_ssl_get_error(channel, count)
    if kind == WANT_WRITE then
        return nil, "again"
    elseif kind == WANT_READ then
        return nil, "read"
    end
    return failure("SSL_write", kind == SYSCALL and code or 0)
end


function _M.write(channel, data, from)
    C.resty_py_err_clear()
    errno(0)
    local count = C.resty_py_ssl_write(
        channel, cast("const char *", data) + from - 1,
        min(#data - from + 1, RECORD_SIZE))
    if count > 0 then
        return count
    end
    return write_failed(channel, count)
end


function _M.channel(ssl)
    return cast("void *", ssl)
end


return _M
