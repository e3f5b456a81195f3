-- OpenSSL's objects as Lua values.
--
-- Two halves serve the same interface: ffi.lua where the flavour has FFI,
-- host.lua elsewhere. Data over TLS is a module of its own (transfer.lua), and
-- everything else a host function (resty_py/host/tls), which knows an object by
-- its address, a number. No OpenSSL is needed until there is an object.
--
--   own(pointer, kind, before)   an object that is freed when it is collected:
--                     cdata with FFI, else userdata; kind: "session",
--                     "certificates" or "key"; before(pointer) is called then,
--                     where it is given
--   lend(pointer, kind)   an object that owns nothing; kind: "connection" or
--                     "context"
--   pointer(object, kind)   the address | nil where it is no object of that
--                     kind (any of those above, or "store"), what it is
--   KIND              "cdata" | "userdata"

local native = require "resty_py.native"

local has_ffi = pcall(require, "ffi") and native.sys.prefer_ffi()

return require(has_ffi and "resty_py.tls.ffi" or "resty_py.tls.host")
