-- resty.core.coroutine: coroutine.* over light threads,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
