-- resty.core.uri: ngx.escape_uri and ngx.unescape_uri,
-- which the runtime has installed already.

return {version = require "resty.core.base".version}
