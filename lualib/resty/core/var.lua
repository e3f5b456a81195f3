-- resty.core.var: ngx.var,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
