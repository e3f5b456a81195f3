"""Configurations as people write them, to load, to compare and to mutate."""

API = r"""
worker_processes  auto;
error_log  logs/error.log  notice;
pid        logs/nginx.pid;
env API_TOKEN;

events {
    worker_connections  1024;   # per worker
    use epoll;
}

http {
    include       mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';
    access_log  logs/access.log  main buffer=32k flush=5s;

    sendfile        on;
    tcp_nopush      on;
    keepalive_timeout  65;
    client_max_body_size 8m;

    lua_package_path "$prefix/lua/?.lua;;";
    lua_shared_dict sessions 10m;
    lua_socket_log_errors off;

    init_by_lua_block {
        local ok, err = pcall(require, "api.config")
        -- don't stop here: {"config" is optional}
        if not ok then ngx.log(ngx.WARN, "no config: ", err) end
    }
    init_worker_by_lua_file lua/timers.lua;

    server {
        listen       18180 default_server backlog=1024;
        server_name  api.example.com *.api.example.com ~^v(?<version>\d+)\.example;

        set $user "";
        if ($http_x_debug = "yes") {
            set $debug 1;
        }

        location = /health {
            access_log off;
            return 200 "ok\n";
        }

        location ~ ^/v1/(?<resource>[a-z]+)/([0-9]+)$ {
            rewrite_by_lua_block {
                ngx.var.user = ngx.req.get_headers()["X-User"] or "nobody"
            }
            access_by_lua_block {
                if ngx.var.user == "nobody" then
                    return ngx.exit(ngx.HTTP_FORBIDDEN)
                end
            }
            content_by_lua_block {
                local fmt = [[{"resource": "%s", "id": %d}]]
                ngx.say(string.format(fmt, ngx.var.resource, ngx.var[2]))
            }
            header_filter_by_lua_block { ngx.header["X-User"] = ngx.var.user }
            body_filter_by_lua_file lua/filter.lua;
            log_by_lua_block { --[==[ nothing } ]==] }
        }

        location /v1/ {
            limit_except GET POST { deny all; }
            rewrite ^/v1/old/(.*)$ /v1/$1 last;
            error_page 404 = @missing;
            error_page 500 502 /50x.html;
            content_by_lua_file lua/$document_uri.lua;
        }

        location @missing { echo -n "no such thing: $uri"; }
        location = /50x.html { internal; root html; }
    }
}
"""

STATIC = r"""
events { }
http {
    map $http_accept_language $lang {
        default en;
        ~*^de   de;
        "~^fr"  fr;
    }
    map $uri $target {
        hostnames;
        volatile;
        *.example.org  a;
        .example.com   b;
    }
    types { text/html html; text/css css; image/png png; }
    charset utf-8;
    index index.html index.$lang.html;

    server {
        listen unix:a.sock;
        server_name www.example.org;
        return 301 http://example.org$request_uri;
    }
    server {
        listen unix:a.sock;
        server_name example.org;
        root /srv/www/$lang;
        etag on;
        location / { try_files $uri $uri/ /index.html =404; }
        location /images/ {
            alias /srv/images/;
            add_header Cache-Control "public, max-age=86400" always;
            more_clear_headers Server 'X-*';
        }
        location ~* \.(?:bak|swp|~)$ { deny all; }
        location ~ /\.(?!well-known) { deny all; return 404; }
    }
}
"""

GATE = r"""
daemon off;
master_process off;
error_log stderr info;
events { accept_mutex off; multi_accept on; }
http {
    access_log off;
    lua_code_cache on;
    lua_need_request_body off;
    resolver 127.0.0.1:5353 valid=30s ipv6=off;
    resolver_timeout 3s;
    satisfy any;
    server {
        listen 127.0.0.1:18280 so_keepalive=30m::10;
        large_client_header_buffers 4 16k;
        client_body_buffer_size 64k;
        client_body_timeout 1m30s;
        underscores_in_headers on;

        location /private {
            satisfy all;
            allow 10.0.0.0/8;
            allow 2001:db8::/32;
            allow unix:;
            deny  all;
            set_by_lua_block $who { return ngx.var.remote_user or '-' }
            set_by_lua $twice 'return ngx.arg[1] .. ngx.arg[1]' $who;
            if ($request_method !~ ^(GET|HEAD)$) { return 405; }
            if (!-f $request_filename) { rewrite ^ /private/index break; }
            echo_before_body "hello, $who";
            echo "you are $twice";
            echo_sleep 0.5;
            echo_location /private/sub "a=b";
            echo_after_body bye;
            location /private/sub { echo_status 202; echo $arg_a; }
        }
        location = /quit {
            content_by_lua '
                ngx.say("it\'s \"over\"")
                ngx.exit(200)
            ';
        }
    }
}
"""

CONFIGURATIONS = (API, STATIC, GATE)

# What they include.
FILES = {"mime.types": "types {\n text/html html;\n image/gif gif;\n}\n"}
