-- resty.core.param: ngx.arg,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
