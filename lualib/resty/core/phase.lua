-- resty.core.phase: ngx.get_phase and ngx.get_raw_phase,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
