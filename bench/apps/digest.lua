-- SHA-256 by an unmodified lua-resty-string (Debian's lua-nginx-string), FFI
-- on libcrypto, of 1 KiB, a hundred times.

local sha256 = require "nginx.sha256"

local N = 100
local TEXT = ("0123456789abcdef"):rep(64)

local digest
for _ = 1, N do
    local state = sha256:new()
    state:update(TEXT)
    digest = state:final()
end
ngx.say(#digest)
