-- resty.core.misc: fields of the table ngx that are computed.
--
--   register_ngx_magic_key_getter(name, f)   ngx.NAME is f()
--   register_ngx_magic_key_setter(name, f)   ngx.NAME = value calls f(value)

local base = require "resty.core.base"
local magic = require "resty_py.api.magic"

return {
    _VERSION = base.version,
    register_ngx_magic_key_getter = magic.getter,
    register_ngx_magic_key_setter = magic.setter,
}
