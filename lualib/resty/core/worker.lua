-- resty.core.worker: ngx.worker,
-- which the runtime has installed already.

return {_VERSION = require "resty.core.base".version}
