-- System calls on nonblocking descriptors, the only ones on the data path.
--
-- Two halves serve the same interface: ffi.lua where the flavour has FFI,
-- host.lua elsewhere. The worker opens it once with the descriptor of its
-- epoll instance (resty_py/host/sys.py).
--
--   recv(fd, max)         data ("" at the end of the stream)
--                         | nil, "again" | nil, err, errno
--   peek(fd, max)         the same, but all stays unread; max: 1 by default
--   send(fd, data, from)  bytes sent, counted from index `from`
--                         | nil, "again" | nil, err, errno
--   accept(fd)            fd, sockaddr bytes | nil, "again" | nil, err, errno
--   register(fd)          true | nil, err; edge-triggered, once a descriptor;
--                         close() ends it
--   close(fd), shutdown_write(fd)
--   poll(dispatch)        number of events; calls dispatch(fd, readable,
--                         writable, ended) for each; never waits; `ended`:
--                         the peer closed or reset, reads will tell

local native = require "resty_py.native"

local epoll_fd = native.sys.epoll_fd()
local has_ffi = pcall(require, "ffi") and native.sys.prefer_ffi()

return require(has_ffi and "resty_py.sys.ffi" or "resty_py.sys.host")(epoll_fd)
