-- resty.core.shdict: the methods of ngx.shared's dictionaries,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
