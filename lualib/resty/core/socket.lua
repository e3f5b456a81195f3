-- resty.core.socket: the options of cosockets,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
