-- What serves: nginx's version number, lua-nginx-module's, and the Lua.

ngx.say(ngx.config.nginx_version, " ", ngx.config.ngx_lua_version, " ",
        jit and jit.version or _VERSION)
