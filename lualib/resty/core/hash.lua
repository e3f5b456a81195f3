-- resty.core.hash: ngx.md5, ngx.sha1_bin, ngx.crc32_long and their kin,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
