-- Which bytes ngx.escape_uri leaves alone, by its second argument.
--
-- Each is the inside of a Lua character class; it names no NUL, so that Lua
-- 5.1 can match with it, and begins with what is most common. The kinds are
-- nginx's NGX_ESCAPE_* numbers.

-- By README only letters, digits and "-._~"; by source and tests these too.
local COMPONENT = "a-z0-9A-Z%-_.~!'-*"
local MEMCACHED = "&-\255!-$"

return {
    [0] = '@-~&->!"$',        -- NGX_ESCAPE_URI
    [1] = '@-~,->&-*!"$',     -- NGX_ESCAPE_ARGS: "+" too
    [2] = COMPONENT,          -- NGX_ESCAPE_URI_COMPONENT
    [3] = "(-~!$&",           -- NGX_ESCAPE_HTML
    [4] = "(-~!#-&",          -- NGX_ESCAPE_REFRESH
    [5] = MEMCACHED,          -- NGX_ESCAPE_MEMCACHED
    [6] = MEMCACHED,          -- NGX_ESCAPE_MAIL_AUTH
}
