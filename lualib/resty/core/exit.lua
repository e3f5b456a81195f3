-- resty.core.exit: ngx.exit,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
