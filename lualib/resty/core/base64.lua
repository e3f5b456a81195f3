-- resty.core.base64: ngx.encode_base64, ngx.decode_base64 and its kin,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
