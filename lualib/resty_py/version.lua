-- The versions of nginx and of its Lua module that this runtime answers for:
-- libraries ask for them to learn what they may use.

return {
    nginx = "1.27.1",
    nginx_number = 1027001,
    -- The newest one that lua-resty-core's own version check names.
    ngx_lua_number = 10030,
}
