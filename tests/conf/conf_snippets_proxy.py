"""Pieces of configuration that say what comes of another server, good and bad."""

from __future__ import annotations

_PASS = "proxy_pass http://127.0.0.1:1; "

#: What may be off, and then stands alone.
_REWRITES = ("proxy_redirect", "proxy_cookie_domain", "proxy_cookie_path")

HTTP_PROXY = [
    # Upstream blocks
    "upstream u { server :80; }",
    "upstream u { server localhost:99999; }",
    "upstream u { server localhost:x; }",
    "upstream u { server localhost/x; }",
    "upstream u { server 127.0.0.1 backup; }",
    "upstream u { server 127.0.0.1; } upstream U { server 127.0.0.1; }",
    "upstream u { keepalive 0; server 127.0.0.1; }",
    "upstream u { keepalive x; server 127.0.0.1; }",
    "upstream u { keepalive 5; least_conn; server 127.0.0.1; }",
    "upstream u { server 127.0.0.1; keepalive 5; balancer_by_lua_block { return } }",
    "upstream u { least_conn; balancer_by_lua_block { return } server 127.0.0.1; }",
    "upstream u { keepalive 5; keepalive 6; server 127.0.0.1; }",
    # Buffers
    "proxy_buffers 1 8k;",
    "proxy_buffers 1 8k; server { listen 8081; }",
    "proxy_buffer_size 16k; server { listen 8081; proxy_buffers 4 16k; }",
    (
        "proxy_busy_buffers_size 32k; server { listen 8081; proxy_buffers 8 16k; "
        "location / { proxy_buffer_size 64k; } }"
    ),
]

# fmt: off
LOCATION_PROXY = [
    # Addresses
    "proxy_pass http://;",
    "proxy_pass http://:80;",
    "proxy_pass http://:80/x;",
    "proxy_pass http://127.0.0.1:99999;",
    "proxy_pass http://127.0.0.1:0/x?y;",
    "proxy_pass http://127.0.0.1:;",
    "proxy_pass HTTPS://127.0.0.1:x/y;",
    "proxy_pass http://[::1]:99999/;",
    "proxy_pass http://[::1/;",
    "proxy_pass http://unix:;",
    "proxy_pass http://unix:/a:/b;",
    "proxy_pass http://unix:a;",
    "proxy_pass http://127.0.0.1?x;",
    # TLS
    "proxy_pass https://127.0.0.1; proxy_ssl_verify on;",
    "proxy_pass http://127.0.0.1; proxy_ssl_verify on;",
    "proxy_pass https://$arg_a; proxy_ssl_verify on;",
    "proxy_pass https://127.0.0.1; proxy_ssl_trusted_certificate none;",
    "proxy_pass https://127.0.0.1; proxy_ssl_crl none;",
    "proxy_pass https://127.0.0.1; if ($arg_a) { proxy_ssl_verify on; }",
    "proxy_pass https://127.0.0.1; location /b { proxy_ssl_verify on; }",
    # proxy_redirect
    "proxy_redirect off; proxy_redirect a b;",
    "proxy_redirect a b; proxy_redirect off;",
    "proxy_redirect a b; proxy_redirect false;",
    "proxy_redirect false;",
    "proxy_redirect off; proxy_redirect false;",
    "proxy_redirect off; proxy_redirect off;",
    "proxy_redirect a b; proxy_redirect c d;",
    # Buffers
    "proxy_buffer_size 16k;",
    "proxy_buffer_size 16k; proxy_busy_buffers_size 16k;",
    "proxy_buffer_size 64k; proxy_buffers 4 64k;",
    "proxy_buffer_size 12k; proxy_buffers 4 8k;",
    "proxy_buffer_size 13k; proxy_buffers 4 8k;",
    "proxy_buffers 1 8k;",
    "proxy_buffers 2 8k;",
    "proxy_buffers 3 8k;",
    "proxy_busy_buffers_size 0;",
    "proxy_busy_buffers_size 28k;",
    "proxy_busy_buffers_size 29k;",
    "proxy_temp_file_write_size 0;",
    "proxy_temp_file_write_size 4k;",
    "proxy_temp_file_write_size 4095;",
    "proxy_max_temp_file_size 0;",
    "proxy_max_temp_file_size 4k;",
    "proxy_max_temp_file_size 1k;",
    "proxy_max_temp_file_size 1k; proxy_busy_buffers_size 1k;",
    "if ($arg_a) { proxy_buffers 1 8k; }",
    "limit_except GET { proxy_buffers 1 8k; }",
    "location /b { proxy_buffer_size 1m; }",
    # What goes out and comes back changed
    *(
        _PASS + text.replace("X", name)
        for name in (*_REWRITES, "proxy_cookie_flags")
        for text in (
            "X off;",
            "X OFF;",
            "X false;",
            "X off; X off;",
            "X off; X a b;",
            "X a b; X off;",
            "X a b; X a b;",
            "X ~ b;",
            "X ~* b;",
            "X ~( b;",
            "X '' '';",
            "X $nothing a;",
            "X a $nothing;",
            "X ~(?<b>.) $b;",
            "X;",
        )
    ),
    _PASS + "proxy_redirect default; proxy_redirect default; proxy_redirect a b;",
    _PASS + "proxy_redirect default; proxy_redirect off;",
    _PASS + "proxy_redirect off; proxy_redirect default;",
    _PASS + "proxy_cookie_domain .a .b; proxy_cookie_domain . .;",
    _PASS + "proxy_cookie_domain a b c;",
    _PASS + "proxy_cookie_flags a secure httponly samesite=strict;",
    _PASS + "proxy_cookie_flags a secure httponly samesite=strict nosecure;",
    _PASS + "proxy_cookie_flags a nonsense;",
    *(
        f"proxy_bind {value};"
        for value in (
            "off", "off transparent", "off; proxy_bind off",
            "off; proxy_bind 1.1.1.1", "1.1.1.1", "1.1.1.1 x", "x x", "x transparent",
            "$remote_addr", "$remote_addr x", "$nothing", "127.1", "127.000.0.01",
            "::1", "[::1]", "[::1]:80", "::1:80", "[::1]:", "1.1.1.1:0",
            "1.1.1.1:65535", "1.1.1.1:65536", "1.1.1.1:x", "1.1.1.1:", "1.1.1.1:080",
            "localhost",
            "unix:/x", "''", "[]:80", "0.0.0.0", "[1.1.1.1]:5", "1.2.3.4.5",
            "1.2.3.256", "[::1%lo]:1", "::1%lo", "1.1.1.1:5:6", "[::1:5", ":5",
        )
    ),
]
# fmt: on
