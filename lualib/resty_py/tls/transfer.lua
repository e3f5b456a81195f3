-- Data over TLS.
--
-- Two halves serve the same interface: transfer_ffi.lua where the flavour has
-- FFI, the host functions of resty_py/host/tls/transfer.py elsewhere.
--
--   channel(ssl)               what the next three take, for an `SSL *`
--   read(channel, max)         data of one record at most ("" at the end)
--                              | nil, "again" | nil, "write"
--                              | nil, err, the line to log, whether the peer
--                              is to blame
--   peek(channel)              the same for one byte, which stays unread
--   write(channel, data, from) bytes taken, counted from index `from`
--                              | nil, "again" | nil, "read"
--                              | nil, err, line, whether …: as read
--
-- "again" means that the descriptor has to be ready for the same direction,
-- "write" and "read" that it has to be ready for the other one: TLS has a
-- message of its own to send or to get first.

local native = require "resty_py.native"
local tls = require "resty_py.tls"

if tls.KIND == "cdata" then
    return require "resty_py.tls.transfer_ffi"
end

local host = native.tls


local function channel(ssl)
    return ssl
end


return {channel = channel, read = host.read, peek = host.peek,
        write = host.write}
