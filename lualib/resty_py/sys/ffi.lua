-- System calls on descriptors by LuaJIT's FFI: the fast half of
-- resty_py.sys (see init.lua there for the interface).
--
-- The C names are private aliases (resty_py_*), so that a library's own
-- `ffi.cdef` of recv, send, … can neither clash nor change their types:
-- returning int in place of ssize_t keeps results plain Lua numbers.

local bit = require "bit"
local ffi = require "ffi"

local C = ffi.C
local band = bit.band
local errno = ffi.errno
local ffi_string = ffi.string
local lower = string.lower
local new = ffi.new
local setmetatable = setmetatable

local LAYOUT = ffi.arch == "x64" and "__attribute__((packed))" or ""

ffi.cdef((([[
typedef struct EVENT_LAYOUT {
    uint32_t events;
    int32_t fd;
    uint32_t unused;
} resty_py_event;

int resty_py_recv(int, void *, size_t, int) __asm__("recv");
int resty_py_send(int, const char *, size_t, int) __asm__("send");
int resty_py_close(int) __asm__("close");
int resty_py_shutdown(int, int) __asm__("shutdown");
int resty_py_accept4(int, void *, uint32_t *, int) __asm__("accept4");
int resty_py_epoll_ctl(int, int, int, resty_py_event *) __asm__("epoll_ctl");
int resty_py_epoll_wait(int, resty_py_event *, int, int)
    __asm__("epoll_wait");
char *resty_py_strerror(int) __asm__("strerror");
]]):gsub("EVENT_LAYOUT", LAYOUT)))

-- Linux numbers, the same on every architecture LuaJIT runs on.
local EINTR, EAGAIN = 4, 11
local MSG_PEEK, MSG_NOSIGNAL = 0x2, 0x4000
local SOCK_NONBLOCK_CLOEXEC = 0x80800
local EPOLL_CTL_ADD = 1
local EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP = 0x1, 0x4, 0x8, 0x10
local EPOLLRDHUP, EPOLLET = 0x2000, 0x80000000
local READABLE = EPOLLIN + EPOLLERR + EPOLLHUP + EPOLLRDHUP
local WRITABLE = EPOLLOUT + EPOLLERR + EPOLLHUP
local ENDED = EPOLLERR + EPOLLHUP + EPOLLRDHUP
local INTEREST = EPOLLIN + EPOLLOUT + EPOLLRDHUP + EPOLLET

-- Events taken from the kernel at once: nginx's epoll_events, 512.
local MAX_EVENTS = 512
local ADDRESS_SIZE = 128  -- sizeof(struct sockaddr_storage)

local messages = setmetatable({}, {
    __index = function(self, code)
        local text = lower(ffi_string(C.resty_py_strerror(code)))
        self[code] = text
        return text
    end,
})


return function(epoll_fd)
    local _M = {}

    local size = 65536
    local memory = new("char[?]", size)
    local events = new("resty_py_event[?]", MAX_EVENTS)
    local interest = new("resty_py_event")
    local address = new("char[?]", ADDRESS_SIZE)
    local address_size = new("uint32_t[1]")


    local function receive(fd, max, flags)
        if max > size then
            size = max
            memory = new("char[?]", size)
        end
        local n = C.resty_py_recv(fd, memory, max, flags)
        if n > 0 then
            return ffi_string(memory, n)
        elseif n == 0 then
            return ""
        end
        local code = errno()
        if code == EAGAIN or code == EINTR then
            return nil, "again"
        end
        return nil, messages[code], code
    end


    function _M.recv(fd, max)
        return receive(fd, max, 0)
    end


    function _M.peek(fd, max)
        return receive(fd, max or 1, MSG_PEEK)
    end


    function _M.send(fd, data, from)
        local n = C.resty_py_send(fd, ffi.cast("const char *", data) + from - 1,
                                  #data - from + 1, MSG_NOSIGNAL)
        if n >= 0 then
            return n
        end
        local code = errno()
        if code == EAGAIN or code == EINTR then
            return nil, "again"
        end
        return nil, messages[code], code
    end


    function _M.accept(fd)
        address_size[0] = ADDRESS_SIZE
        local accepted = C.resty_py_accept4(fd, address, address_size,
                                            SOCK_NONBLOCK_CLOEXEC)
        if accepted >= 0 then
            return accepted, ffi_string(address, address_size[0])
        end
        local code = errno()
        if code == EAGAIN or code == EINTR then
            return nil, "again"
        end
        return nil, messages[code], code
    end


    function _M.register(fd)
        interest.events = INTEREST
        interest.fd = fd
        if C.resty_py_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, interest) == 0 then
            return true
        end
        return nil, messages[errno()]
    end


    function _M.close(fd)
        C.resty_py_close(fd)
    end


    function _M.shutdown_write(fd)
        C.resty_py_shutdown(fd, 1)
    end


    function _M.poll(dispatch)
        local n = C.resty_py_epoll_wait(epoll_fd, events, MAX_EVENTS, 0)
        for i = 0, n - 1 do
            local flags = events[i].events
            dispatch(events[i].fd, band(flags, READABLE) ~= 0,
                     band(flags, WRITABLE) ~= 0, band(flags, ENDED) ~= 0)
        end
        return n
    end


    return _M
end
