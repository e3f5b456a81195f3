-- resty.core.ndk: ndk.set_var,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
