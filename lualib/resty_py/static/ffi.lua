-- System calls on files by LuaJIT's FFI: the fast half of calls.lua, where the
-- interface is told. Walking a path link by link is left to the host, and so
-- is a call that a signal has interrupted.
--
-- statx is the one call whose structure is the same on every architecture;
-- where the C library has none (macOS, glibc before 2.28) this module cannot
-- be loaded.

local bit = require "bit"
local ffi = require "ffi"
local native = require "resty_py.native".static
local scratch = require "resty_py.codec.ffi.scratch"

local C = ffi.C
local assert = assert
local band = bit.band
local errno = ffi.errno
local ffi_string = ffi.string
local find = string.find
local setmetatable = setmetatable
local tonumber = tonumber

assert(ffi.os == "Linux" and ffi.abi("64bit"), "files by FFI are 64-bit Linux")

ffi.cdef [[
typedef struct {
    int64_t sec;
    uint32_t nsec;
    int32_t unused;
} resty_py_statx_time;

typedef struct {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, unused;
    uint64_t inode, size, blocks, attributes_mask;
    resty_py_statx_time accessed, born, status_changed, changed;
    uint64_t rest[16];
} resty_py_statx_result;

int resty_py_statx(int, const char *, int, unsigned, resty_py_statx_result *)
    __asm__("statx");
int resty_py_open(const char *, int) __asm__("open");
int resty_py_read(int, void *, size_t) __asm__("read");
int resty_py_pread(int, void *, size_t, int64_t) __asm__("pread");
int resty_py_close(int) __asm__("close");
char *resty_py_strerror(int) __asm__("strerror");
]]

local EINTR = 4
local AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
-- STATX_TYPE, _MODE, _MTIME and _SIZE.
local WANTED = 0x243
local S_IFMT, S_IFREG, S_IFDIR, S_IXUSR = 0xf000, 0x8000, 0x4000, 0x40
-- O_NONBLOCK and O_CLOEXEC, the same on x86, ARM and RISC-V; O_RDONLY is 0.
local READING = 0x80800

-- What the kernel fills: sizeof(struct statx).
assert(ffi.sizeof("resty_py_statx_result") == 256)

local found = ffi.new("resty_py_statx_result")
-- Whether there is one is told by looking it up.
local statx = C.resty_py_statx

local messages = setmetatable({}, {
    __index = function(self, code)
        local text = ffi_string(C.resty_py_strerror(code))
        self[code] = text
        return text
    end,
})

local _M = {realpath = native.realpath}


local function failure(code, call)
    return nil, messages[code], code, call
end


local function kind()
    local type = band(found.mode, S_IFMT)
    return type == S_IFREG and "file" or type == S_IFDIR and "directory"
        or "other"
end


local function close(fd)
    C.resty_py_close(fd)
    return true
end


-- Returns all bytes | nil, the error number.
local function read_whole(fd, size)
    local memory = scratch(size)
    local n = C.resty_py_read(fd, memory, size)
    if n >= 0 then
        return ffi_string(memory, n)
    end
    return nil, errno()
end


-- Returns what open() does, and closes `fd` where that is not among it.
local function describe(fd, most)
    if statx(fd, "", AT_EMPTY_PATH, WANTED, found) ~= 0 then
        local code = errno()
        close(fd)
        return failure(code, "fstat()")
    end
    local what, size = kind(), tonumber(found.size)
    local changed = tonumber(found.changed.sec)
    if what ~= "file" or not most then
        close(fd)
        return what, size, changed
    elseif size > most then
        return what, size, changed, fd
    end
    local data, code = read_whole(fd, size)
    close(fd)
    if not data then
        return failure(code, "read()")
    end
    return what, size, changed, data
end


function _M.open(path, most, policy, trusted)
    if policy or find(path, "\0", 1, true) then
        return native.open(path, most, policy, trusted)
    end
    local fd = C.resty_py_open(path, READING)
    if fd >= 0 then
        return describe(fd, most)
    end
    local code = errno()
    if code == EINTR then
        return native.open(path, most)
    end
    return failure(code, "open()")
end


function _M.read(fd, offset, most)
    local memory = scratch(most)
    local n = C.resty_py_pread(fd, memory, most, offset)
    if n >= 0 then
        return ffi_string(memory, n)
    end
    local code = errno()
    if code == EINTR then
        return native.read(fd, offset, most)
    end
    return failure(code, "pread()")
end


function _M.examine(path, policy, trusted)
    if policy or find(path, "\0", 1, true) then
        return native.examine(path, policy, trusted)
    elseif statx(AT_FDCWD, path, 0, WANTED, found) ~= 0 then
        return failure(errno(), "stat()")
    end
    return kind(), band(found.mode, S_IXUSR) ~= 0
end


_M.close = close

return _M
