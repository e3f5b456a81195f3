"""What another server answers: the proxy module and upstream blocks."""

from __future__ import annotations

import pytest
import trustme
from conversation import WAIT, chunked, get, head, in_turn, post, raw, request
from directive_pair import SHUT, Pair, case, sleep
from upstream_peer import ANSWERS, upstream_peer

UP = "http://127.0.0.1:PORT8"

#: Nobody listens there.
DEAD = "http://127.0.0.1:1"


def proxy(conf="", *talks, **more):
    """Return a case of one location that passes everything on."""
    return case(f"location / {{ proxy_pass {UP}; {conf} }}", *talks, **more)


def location(pattern, url, *talks, conf=""):
    """Return a case of a location that passes everything to *url*."""
    return case(f"location {pattern} {{ proxy_pass {url}; {conf} }}", *talks)


def block(name, conf, *talks, more="", **options):
    """Return a case that asks an upstream block, which is in :data:`HTTP`."""
    return case(
        f"location / {{ proxy_pass http://{name}; {conf} }} {more}", *talks, **options
    )


#: A server of our own, with a certificate for up.example.
TLS = "https://127.0.0.1:PORT9"


def tls(conf, *talks):
    conf += " proxy_ssl_session_reuse off;"
    return location("/", TLS, *(talks or ("/",)), conf=conf)


def balanced(name, *talks, **more):
    return block(name, f"proxy_next_upstream_tries 3; {SHOWS}", *talks, **more)


SHOWS = """log_by_lua_block {
    local note = io.open("PREFIX/logs/NAME.vars", "a")
    for _, name in ipairs {"upstream_addr", "upstream_status", "upstream_http_x_up",
                           "upstream_response_length", "upstream_cookie_b",
                           "upstream_bytes_received"} do
        note:write(name, "=", tostring(ngx.var[name]), "\\n")
    end
    for _, name in ipairs {"upstream_response_time", "upstream_connect_time",
                           "upstream_header_time"} do
        note:write(name, (ngx.var[name] or "nil"):gsub("%d", "0"), "\\n")
    end
    note:close()
}"""

CAPTURES = """location / { content_by_lua_block {
    local res = ngx.location.capture("/up" .. ngx.var.uri, OPTIONS)
    ngx.say(res.status, " ", res.truncated, " ", res.header["X-Up"], " ", res.body)
} } location /up/ { proxy_pass http://127.0.0.1:PORT8/; proxy_read_timeout 500ms; }"""


def captured(path, options="nil"):
    return case(CAPTURES.replace("OPTIONS", options), path)


#: A client that does not wait for an answer.
LEAVES = raw("leaves", get("/slow_head").data(), sleep(0.2), SHUT)

UPGRADES = """proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;"""
ASKS = get("/upgrade", "Upgrade: x", "Connection: upgrade").data()

#: Answers that are not taken as nginx 1.22 takes them: see the end.
OTHERWISE = (
    "/interim", "/two_lengths", "/accel_named", "/long_length", "/long_status",
    "/head", "/two_framings",
)  # fmt: skip

#: Answers that are about time.
BUFFERING = ("/buffering_no", "/buffering_YES", "/buffering_none")
SLOW = ("/slow_head", "/slow_body", "/streamed", *BUFFERING)

CASES = {
    # Answers
    **{
        f"answer{path.replace('/', '_')}": proxy("", path)
        for path in ANSWERS
        if path not in (*SLOW, *OTHERWISE)
    },
    "unbuffered": proxy("proxy_buffering off;", "/chunked", "/large"),
    "to_an_old_client": proxy(
        "", get("/chunked", version="1.0"), get("/to_end", version="1.0")
    ),
    "asked_for_a_head": proxy(
        "proxy_method HEAD; proxy_read_timeout 300ms;", "/head"
    ),
    "head": proxy("", head("/plain"), head("/to_end")),
    "kept_alive": proxy("", in_turn(get("/plain"), get("/chunked"), get("/to_end"))),
    "conditional": proxy(
        "", get("/hidden", "If-None-Match: \"x\""),
        get("/hidden", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
    ),
    "filters": proxy(
        "header_filter_by_lua_block { ngx.header.x_filter = ngx.header.x_up "
        " ngx.header.content_length = nil }"
        " body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1]:upper() }", "/plain"
    ),
    "filter_exits": case(
        "more_set_headers 'X-More: 1'; add_header X-Added 1 always;"
        " rewrite_by_lua_block { ngx.header.x_before = 1 } error_page 410 /page;"
        " header_filter_by_lua_block { ngx.header.x_own = 1"
        " ngx.exit(tonumber(ngx.var.arg_e) or 0) } location /page { return 200 page; }"
        " location /file { alias PREFIX/pub/b.txt; } location /echo { echo a; }"
        f" location / {{ proxy_pass {UP}; }}",
        *(f"/{path}?e={code}" for path in ("hidden", "file", "echo")
          for code in (403, 302, 500, 410, 200, 0)),
        head("/hidden?e=403"),
    ),
    "filter_changes_status": proxy(
        "header_filter_by_lua_block { ngx.status = tonumber(ngx.var.arg_s) }"
        f" {SHOWS}",
        "/plain?s=204", "/plain?s=304", "/chunked?s=304", "/not_found?s=200",
        "/nothing?s=200", in_turn(get("/plain?s=304"), get("/plain?s=200")),
    ),
    "filter_changes_status_of_kept": block(
        "up_stripped", "proxy_http_version 1.1; proxy_set_header Connection '';"
        " header_filter_by_lua_block { ngx.status = tonumber(ngx.var.arg_s) }",
        "/count?s=200", "/count?s=204", "/count?s=200",
    ),
    "filter_exits_captured": case(
        "location / { content_by_lua_block {"
        " local res = ngx.location.capture('/up', {args = ngx.var.args})"
        " ngx.say(res.status, ' ', res.header.x_up, ' ', res.body) } }"
        f" location /up {{ proxy_pass {UP}/plain; header_filter_by_lua_block {{"
        " ngx.exit(tonumber(ngx.var.arg_e)) } }", "/?e=403", "/?e=500", "/?e=0"
    ),
    "added": proxy("add_header X-Added $upstream_http_x_up;", "/plain", "/not_found"),
    "set_before": proxy(
        "access_by_lua_block { ngx.header.x_before = 1 }", "/plain"
    ),
    # Requests
    "request": proxy(
        "", get("/echo/a%20b?x=%20y", "X-Own: 1", "TE: gzip", "Keep-Alive: 5",
                "Upgrade: x", "Accept-Encoding: gzip", "X_Under: 1")
    ),
    "no_args": proxy("", "/echo?", "/echo%3f", "/echo//a/../b", "/echo/%2f"),
    "body": proxy("", post("/echo", b"hello"), post("/echo", b"")),
    "chunked_body": proxy("", chunked("/echo", b"hello ", b"world")),
    "large_body": proxy(
        "client_body_buffer_size 1k; client_body_temp_path temp/body;",
        post("/echo", b"0123456789" * 1000)
    ),
    "other_method": proxy("", request("PUT", "/echo", body=b"x"),
                          request("DELETE", "/echo")),
    "http_1_1": proxy("proxy_http_version 1.1;", "/echo"),
    "set_header": proxy(
        'proxy_set_header Host $host; proxy_set_header X-Real "$remote_addr";'
        ' proxy_set_header X-Own ""; proxy_set_header x-empty "";'
        " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        get("/echo", "X-Own: 1", "X-Empty: 1", "X-Forwarded-For: 10.0.0.1"),
    ),
    "set_by_lua": case(
        "location / { content_by_lua_block { for i = 1, 3 do"
        " ngx.req.set_header('X-Own', i)"
        " ngx.say(ngx.location.capture('/up/echo').body) end } }"
        " location /up/ { proxy_pass http://127.0.0.1:PORT8/; }", "/",
    ),
    "set_connection": proxy(
        "proxy_http_version 1.1; proxy_set_header Connection '';", "/echo"
    ),
    "discarded_body": proxy(
        "rewrite_by_lua_block { ngx.req.discard_body() }", post("/echo", b"hello")
    ),
    "set_body": proxy(
        "proxy_set_body 'x=$arg_x'; proxy_method PUT;", "/echo?x=1", post("/echo", b"y")
    ),
    "pass_no_headers": proxy("proxy_pass_request_headers off;", get("/echo", "X-A: 1")),
    "pass_no_body": proxy(
        "proxy_pass_request_body off; proxy_set_header Content-Length '';",
        post("/echo", b"hello")
    ),
    "inherited": case(
        f"proxy_set_header X-A a; location / {{ proxy_pass {UP}; }}"
        f" location /b {{ proxy_set_header X-B b; proxy_pass {UP}/echo; }}",
        "/echo", "/b"
    ),
    "proxy_host": proxy(
        "proxy_set_header X-Host $proxy_host; proxy_set_header X-Port :$proxy_port;",
        "/echo"
    ),
    # The URI
    "uri": location("/a/", f"{UP}/echo/", "/a/", "/a/b%20c?x", "/a/b/../c", "/a"),
    "uri_slash": case(
        f"location = /a/ {{ proxy_pass {UP}; }} location /b/ {{ proxy_pass {UP}; }}"
        " location /c/ { echo c; } location /d { echo d; }"
        f" location /d/ {{ proxy_pass {UP}; }}",
        "/a?x=1", "/b", "/b?y", "/c", "/d", "/a/"
    ),
    "uri_query": location("/a", f"{UP}/echo?x=", "/a", "/a1"),
    "uri_exact": location("= /a", f"{UP}/echo", "/a?x"),
    "uri_regex": location("~ ^/a(.*)", UP, "/ab%20c?x=1"),
    "uri_capture": location("~ ^/a(.*)", f"{UP}/echo/$1?y=$arg_x", "/ab%20c?x=1"),
    "uri_variable": case(
        f"location / {{ set $up {UP}; proxy_pass $up; }}"
        f" location /v {{ set $up {UP}; proxy_pass $up/echo/v; }}"
        " location /bad { set $up ftp://x; proxy_pass $up; }"
        " location /none { set $up ''; proxy_pass http://$up/; }",
        "/echo/x%20y?z", "/v?z", "/bad", "/none"
    ),
    "uri_rewritten": case(
        f"location / {{ rewrite ^/a(.*) /echo$1 break; proxy_pass {UP}; }}"
        f" location /c {{ rewrite ^/c(.*) /echo$1?q=1 break; proxy_pass {UP}/x/; }}",
        "/a%20b", "/c/d?z"
    ),
    "uri_set": case(
        "location / { rewrite_by_lua_block { ngx.req.set_uri('/echo/s t')"
        f" ngx.req.set_uri_args('a=b c') }} proxy_pass {UP}; }}", "/x?y"
    ),
    "uri_redirected": case(
        "location /a { rewrite ^ /echo/b last; }"
        f" location / {{ proxy_pass {UP}; }}", "/a%20c?x=1"
    ),
    "named": case(
        "location / { try_files /none @up; }"
        f" location @up {{ proxy_pass {UP}; }}", "/echo/a%20b?c"
    ),
    "in_if": case(
        f"location / {{ proxy_pass {UP}; if ($arg_x) {{ set $y 1; }}"
        f" if ($arg_z) {{ proxy_pass {DEAD}; }} }}",
        "/plain", "/plain?x=1", "/plain?z=1"
    ),
    # What the client sees of it
    "hide_and_pass": proxy(
        "proxy_hide_header x-up; proxy_hide_header Set-Cookie;"
        " proxy_pass_header Date; proxy_pass_header X-Pad;", "/plain", "/hidden"
    ),
    "hide_type": proxy(
        "proxy_hide_header Content-Type; proxy_hide_header Content-Length;", "/plain"
    ),
    "redirect_default": location("/a/", f"{UP}/there/", "/a/../a/moved"),
    "redirects": case(
        "".join(
            f"location {place} {{ proxy_pass {UP}/; proxy_redirect {rule}; }}"
            for place, rule in {
                "/off/": "off", "/default/": "default",
                "/pair/": "http://127.0.0.1:PORT8/there/ /here/",
                "/path/": "/there /here", "/empty/": "http://127.0.0.1:PORT8/ /",
                "/regex/": "~*^http://([^:]+):\\d+/THERE(.*) http://other/$1$2",
                "/variable/": "http://127.0.0.1:PORT8/ $scheme://$host/",
            }.items()
        ),
        *(
            f"/{place}/{path}"
            for place in ("off", "default", "pair", "path", "empty", "regex",
                          "variable")
            for path in ("moved", "moved_path", "refresh")
        ),
    ),
    "intercepted": proxy(
        "proxy_intercept_errors on; error_page 404 503 /page; error_page 401 /page;",
        "/not_found", "/challenge", "/failing", "/busy",
    ),
    "not_intercepted": case(
        f"location / {{ proxy_pass {UP}; error_page 404 /page; }}"
        f" location /page {{ return 200 page; }}", "/not_found"
    ),
    "intercepted_page": case(
        f"location / {{ proxy_pass {UP}; proxy_intercept_errors on;"
        " error_page 404 = /page; error_page 503 @named; error_page 401 /page; }"
        " location /page { return 200 'page $upstream_status'; }"
        " location @named { return 200 named; }",
        "/not_found", "/challenge", "/busy"
    ),
    "error_page_of_ours": case(
        f"location / {{ proxy_pass {DEAD}; error_page 502 /page; }}"
        " location /page { return 200 'page $status $upstream_status'; }", "/x"
    ),
    "variables_redirected": case(
        f"location / {{ proxy_pass http://up_fallen; error_page 404 502 = @more;"
        f" proxy_intercept_errors on; {SHOWS} }} location @more {{"
        f" proxy_pass {UP}; {SHOWS} }}",
        "/not_found", "/accel", "/x", post("/no_head", b"x")
    ),
    "accel": case(
        f"location / {{ proxy_pass {UP}; }}"
        " location /inside { internal; return 200 'inside $args $request_method'; }"
        " location @inside { return 200 'named $uri'; }",
        "/accel", "/accel_named", "/accel_cookies", post("/accel", b"x")
    ),
    "accel_file": case(
        f"location / {{ proxy_pass {UP}; }} location /files/ {{ internal;"
        " alias PREFIX/pub/files/; }", "/accel_unsafe", "/accel_encoded"
    ),
    "accel_ignored": proxy(
        "proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate;", "/accel", "/rate"
    ),
    "head_limit": proxy("proxy_buffer_size 16k; proxy_busy_buffers_size 16k;"
                        " proxy_buffers 4 16k;", "/large_head"),
    # Failures
    "refused": location("/", DEAD, "/x"),
    "variables": proxy(
        SHOWS, "/plain", "/hidden", "/no_head", "/chunked", "/more", "/bad_chunk",
        "/after_end", "/too_much", head("/plain"),
    ),
    "variables_unbuffered": proxy(
        f"proxy_buffering off; {SHOWS}", "/plain", "/chunked", "/large"
    ),
    "variables_of_none": case(f"location / {{ return 200 x; {SHOWS} }}"),
    "unix_missing": location("/", "http://unix:PREFIX/none.sock:/x", "/y"),
    "slow_head": proxy("proxy_read_timeout 500ms;", "/slow_head", timed=True),
    "slow_body": proxy("proxy_read_timeout 500ms;", "/slow_body", timed=True),
    "slow_unbuffered": proxy(
        "proxy_read_timeout 500ms; proxy_buffering off;", "/slow_body", timed=True
    ),
    "streamed": proxy("", "/streamed", get("/streamed", version="1.0"), timed=True),
    "streamed_filters": proxy(
        "body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1]:upper() }", "/streamed",
        timed=True
    ),
    "streamed_packed": proxy(
        "gzip on;", get("/streamed", "Accept-Encoding: gzip"), timed=True
    ),
    "buffering": proxy("", *BUFFERING, timed=True),
    "buffering_off": proxy("proxy_buffering off;", *BUFFERING, timed=True),
    "buffering_ignored": proxy(
        "proxy_ignore_headers X-Accel-Buffering;", *BUFFERING, timed=True
    ),
    "timeouts": proxy("proxy_connect_timeout 5s; proxy_send_timeout 5s;"
                      " proxy_socket_keepalive on;", "/plain"),
    "stores": proxy("proxy_store off; proxy_cache off; proxy_request_buffering on;",
                    "/plain"),
    "client_leaves": case(
        f"location / {{ proxy_pass {UP}; }}", LEAVES,
        answers=False, level="info", timed=True
    ),
    "client_may_leave": case(
        f"location / {{ proxy_pass {UP}; proxy_ignore_client_abort on; }}",
        LEAVES, answers=False, level="warn", timed=True
    ),
    # Upgraded connections
    "upgraded": proxy(
        UPGRADES + SHOWS,
        raw("upgrade", ASKS, WAIT, b"one", sleep(0.1), b"two", sleep(0.1), SHUT)
    ),
    "upgraded_early": proxy(
        UPGRADES, raw("upgrade", ASKS + b"early", sleep(0.2), SHUT)
    ),
    "upgraded_idle": proxy(
        UPGRADES + "proxy_read_timeout 500ms;", raw("upgrade", ASKS), timed=True
    ),
    "upgrade_refused": proxy(UPGRADES, get("/plain", "Upgrade: x")),
    # Upstream blocks
    "block": block("up_one", "", "/plain", "/echo", "/x"),
    "block_of_two": block("up_two", "", "/plain", "/plain", "/plain"),
    "weights": block("up_weights", SHOWS, *["/plain"] * 6),
    "backup": block("up_backup", SHOWS, "/plain", "/plain"),
    "all_dead": block("up_dead", SHOWS, "/plain", "/plain"),
    "down": block("up_down", SHOWS, "/plain", "/plain"),
    "next_off": block("up_off", f"proxy_next_upstream off; {SHOWS}", "/plain",
                      "/plain"),
    "next_status": block(
        "up_same", f"proxy_next_upstream http_404 http_503; {SHOWS}", "/not_found",
        "/busy", "/failing"
    ),
    "next_tries": block(
        "up_three", f"proxy_next_upstream_tries 2; {SHOWS}", "/plain"
    ),
    "next_in_time": block("up_time", "proxy_next_upstream_timeout 5s;", "/plain"),
    "next_of_post": block("up_post", SHOWS, post("/no_head", b"x"), "/no_head"),
    "next_non_idempotent": block(
        "up_post_two", f"proxy_next_upstream error non_idempotent; {SHOWS}",
        post("/no_head", b"x"),
    ),
    "next_invalid": block(
        "up_invalid", f"proxy_next_upstream invalid_header; {SHOWS}", "/large_head",
        "/no_head"
    ),
    "fails_for_ever": block("up_fails", SHOWS, *["/plain"] * 4),
    "keepalive": block(
        "up_kept", "proxy_http_version 1.1; proxy_set_header Connection '';",
        "/count", "/count", "/count", "/plain", "/count"
    ),
    "keepalive_closing": block("up_kept_not", "", "/count", "/count"),
    "keepalive_requests": block(
        "up_kept_twice", "proxy_http_version 1.1; proxy_set_header Connection '';",
        "/count", "/count", "/count"
    ),
    # Methods
    **{
        f"method_{name}": block(
            f"up_{name}", f"proxy_next_upstream_tries {tries}; {SHOWS}",
            *(f"/plain?{i}" for i in range(30)),
        )
        for name, tries in {
            "hash": 1, "hash_next": 4, "ring": 1, "ring_next": 4, "ring_names": 1,
            "ip_hash": 3, "least_conn": 1, "least_backup": 4, "hash_one": 1,
            "hash_live": 0, "random_one": 1, "random_live": 1, "random_two": 1,
        }.items()
    },
    # balancer_by_lua
    "balancer": balanced("by_lua", "/plain", "/echo"),
    "balancer_more": balanced("by_lua_more", "/plain"),
    "balancer_file": balanced("by_file", "/plain"),
    "balancer_error": balanced("by_error", "/plain"),
    "balancer_error_later": balanced("by_error_later", "/plain"),
    "balancer_none": balanced("by_none", "/plain"),
    "balancer_refused": balanced("by_refused", "/plain"),
    "balancer_timeouts": balanced("by_timeouts", "/slow_head", timed=True),
    "balancer_exit": balanced("by_exit", "/plain"),
    "balancer_limits": balanced("by_limits", "/plain"),
    "balancer_elsewhere": case(
        'location / { content_by_lua_block { local b = require "ngx.balancer"'
        ' ngx.say(tostring(select(2, b.set_current_peer("127.0.0.1", 80)))) } }'
    ),
    # https
    "https": tls("", "/x?y"),
    "https_kept": case(
        "location / { proxy_pass https://up_tls; proxy_http_version 1.1;"
        " proxy_set_header Connection ''; }", "/x", "/y"
    ),
    "https_variable": case(
        f"location / {{ set $to {TLS}; proxy_pass $to; }}", "/x"
    ),
    "https_server_name": tls("proxy_ssl_server_name on; proxy_ssl_name up.example;"),
    "https_no_server_name": tls("proxy_ssl_name up.example;"),
    "https_verified": tls(
        "proxy_ssl_verify on; proxy_ssl_name up.example;"
        " proxy_ssl_trusted_certificate PREFIX/tls/ca.pem; proxy_ssl_verify_depth 2;"
    ),
    "https_other_name": tls(
        "proxy_ssl_verify on; proxy_ssl_name other.example;"
        " proxy_ssl_trusted_certificate PREFIX/tls/ca.pem;"
    ),
    **{
        f"https_empty_name_{flag}": tls(
            "proxy_ssl_verify on; proxy_ssl_name $arg_none;"
            f" proxy_ssl_server_name {flag};"
            " proxy_ssl_trusted_certificate PREFIX/tls/ca.pem;"
        )
        for flag in ("on", "off")
    },
    "https_no_crl": case(
        "location / { proxy_pass http://127.0.0.1:PORT8; proxy_ssl_crl PREFIX/none; }",
        "/plain"
    ),
    "https_untrusted": tls(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate PREFIX/tls/other.pem;"
    ),
    "https_client": tls(
        "proxy_ssl_certificate PREFIX/tls/cert.pem;"
        " proxy_ssl_certificate_key PREFIX/tls/key.pem;"
    ),
    "https_old": tls("proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers AES128-SHA;"
                     " proxy_ssl_conf_command Options PrioritizeChaCha;"),
    "https_to_http": location("/", "https://127.0.0.1:PORT", "/x"),
    "http_to_https": location("/", TLS.replace("https", "http"), "/x"),
    "https_refused": location("/", "https://127.0.0.1:1", "/x"),
    # auth_request reads no body
    **{
        f"auth{path.replace('/', '_')}": case(
            "location / { auth_request /auth; echo ok; }"
            f" location /auth {{ proxy_pass {UP}{path}; {conf} }}",
            timed=path in SLOW,
        )
        for path, conf in {
            "/plain": "", "/large": "proxy_buffering off;", "/slow_body": "",
            "/short": "", "/bad_chunk": "", "/more": "", "/challenge": "",
            "/moved": "", "/accel": "", "/no_head": "",
        }.items()
    },
    # Subrequests
    "captured": captured("/plain"),
    "captured_error": captured("/not_found"),
    "captured_short": captured("/short"),
    "captured_no_head": captured("/no_head"),
    "captured_body": captured("/echo", "{method = ngx.HTTP_POST, body = 'hello'}"),
    "captured_args": captured("/echo", "{args = {a = 'b c'}}"),
    "echoed_streamed": case(
        "location / { echo before; echo_location /up$uri; echo after; }"
        f" location /up/ {{ proxy_pass {UP}/; }}", "/streamed", "/buffering_no",
        timed=True
    ),
    "echoed": case(
        f"location / {{ echo_location /up/plain; echo end; }}"
        f" location /up/ {{ proxy_pass {UP}/; }}", "/"
    ),
}  # fmt: skip

HTTP = """
server {
    listen 127.0.0.1:PORT9 ssl; server_name tls_peer;
    ssl_certificate PREFIX/tls/cert.pem; ssl_certificate_key PREFIX/tls/key.pem;
    ssl_verify_client optional; ssl_client_certificate PREFIX/tls/ca.pem;
    location / {
        return 200 "$ssl_server_name $ssl_client_verify $http_host $request_uri\n";
    }
}
upstream up_tls { server 127.0.0.1:PORT9; keepalive 2; }
upstream up_one { server 127.0.0.1:PORT8; }
upstream up_two { server 127.0.0.1:PORT8; server 127.0.0.1:1; }
upstream up_weights { server 127.0.0.1:PORT8 weight=3; server 127.0.0.1:PORT8; }
upstream up_backup { server 127.0.0.1:1; server 127.0.0.1:PORT8 backup; }
upstream up_dead { server 127.0.0.1:1; server 127.0.0.1:2; }
upstream up_down { server 127.0.0.1:1 down; server 127.0.0.1:PORT8 max_conns=5; }
upstream up_off { server 127.0.0.1:1; server 127.0.0.1:PORT8; }
upstream up_same { server 127.0.0.1:PORT8 max_fails=0; server 127.0.0.1:PORT8; }
upstream up_three { server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:PORT8; }
upstream up_fallen { server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:PORT8; }
upstream up_time { server 127.0.0.1:1; server 127.0.0.1:PORT8; }
upstream up_post { server 127.0.0.1:PORT8; server 127.0.0.1:PORT8; }
upstream up_post_two { server 127.0.0.1:PORT8; server 127.0.0.1:PORT8; }
upstream up_invalid { server 127.0.0.1:PORT8; server 127.0.0.1:PORT8; }
upstream up_fails {
    server 127.0.0.1:1 max_fails=2 fail_timeout=1h; server 127.0.0.1:PORT8;
}
upstream up_kept {
    server 127.0.0.1:PORT8; keepalive 2; keepalive_time 1h; keepalive_timeout 60s;
}
upstream up_stripped { server 127.0.0.1:PORT8; keepalive 2; }
upstream up_kept_not { server 127.0.0.1:PORT8; keepalive 2; }
upstream by_lua {
    server 0.0.0.1; keepalive 2;
    balancer_by_lua_block {
        assert(require("ngx.balancer").set_current_peer("127.0.0.1", PORT8))
        ngx.log(ngx.WARN, ngx.get_phase(), " ", ngx.var.uri)
    }
}
upstream by_lua_more {
    server 0.0.0.1;
    balancer_by_lua_block {
        local b = require "ngx.balancer"
        ngx.log(ngx.WARN, "failure: ", tostring((b.get_last_failure())), " ",
                tostring(({b.get_last_failure()})[2]))
        ngx.ctx.tries = (ngx.ctx.tries or 0) + 1
        if ngx.ctx.tries == 1 then
            ngx.log(ngx.WARN, tostring(b.set_more_tries(1)))
            b.set_current_peer("127.0.0.1:1")
        else
            b.set_current_peer("127.0.0.1", PORT8)
        end
    }
}
upstream by_file { server 0.0.0.1; balancer_by_lua_file PREFIX/lua/balancer.lua; }
upstream by_error { server 127.0.0.1:PORT8; balancer_by_lua_block { error("no") } }
upstream by_error_later {
    server 0.0.0.1;
    balancer_by_lua_block {
        local b = require "ngx.balancer"
        ngx.log(ngx.WARN, "[", ngx.var.upstream_addr, "] ", b.get_last_failure())
        assert(not b.get_last_failure(), "no")
        b.set_more_tries(1)
        b.set_current_peer("127.0.0.1", 1)
    }
}
upstream by_none { server 127.0.0.1:PORT8; balancer_by_lua_block { local x = 1 } }
upstream by_refused {
    server 127.0.0.1:PORT8;
    balancer_by_lua_block {
        local b = require "ngx.balancer"
        for _, host in ipairs {"example.com", "127.0.0.1:x", "", "unix:"} do
            ngx.log(ngx.WARN, host, " ", tostring(select(2, b.set_current_peer(host))))
        end
        ngx.log(ngx.WARN, tostring(select(2, pcall(b.set_timeouts, 0))))
        ngx.log(ngx.WARN, tostring(select(2, pcall(ngx.sleep, 1))))
        ngx.log(ngx.WARN, tostring(select(2, pcall(ngx.say, 1))))
        ngx.log(ngx.WARN, tostring(b.recreate_request()))
    }
}
upstream by_timeouts {
    server 127.0.0.1:PORT8;
    balancer_by_lua_block { require("ngx.balancer").set_timeouts(1, 1, 0.5) }
}
upstream by_exit { server 127.0.0.1:PORT8; balancer_by_lua_block { ngx.exit(-1) } }
upstream by_limits {
    server 0.0.0.1;
    balancer_by_lua_block {
        local b = require "ngx.balancer"
        ngx.log(ngx.WARN, tostring(select(2, b.set_more_tries(5))))
        b.set_current_peer("127.0.0.1", 1)
    }
}
upstream up_hash {
    hash $request_uri;
    server 127.0.0.1:1 weight=3 max_fails=0;
    server 127.0.0.1:2 max_fails=0;
    server 127.0.0.1:3 down;
    server 127.0.0.1:4 weight=2 max_fails=0;
}
upstream up_hash_next {
    hash a$args;
    server 127.0.0.1:1;
    server 127.0.0.1:2;
    server 127.0.0.1:3 weight=5;
    server 127.0.0.1:4 max_fails=0;
    server 127.0.0.1:5 max_fails=2;
}
upstream up_ring {
    hash $request_uri consistent;
    server 127.0.0.1:1 weight=3 max_fails=0;
    server 127.0.0.1:2 max_fails=0;
    server 127.0.0.1:3 down;
    server 127.0.0.1:4 max_fails=0;
    server unix:/none/a.sock max_fails=0;
}
upstream up_ring_next {
    hash $args consistent;
    server 127.0.0.1:1;
    server 127.0.0.1:2 weight=2;
    server 127.0.0.1:3;
    server 127.0.0.1:4 max_fails=2;
    server 127.0.0.1:1;
}
upstream up_ring_names {
    hash $args consistent;
    server 127.0.0.1 max_fails=0;
    server [::1]:2 max_fails=0;
    server [::1] max_fails=0;
}
upstream up_ip_hash {
    ip_hash;
    server 127.0.0.1:1 weight=3 max_fails=0;
    server 127.0.0.1:2 max_fails=0;
    server 127.0.0.1:3 max_fails=0;
    server 127.0.0.1:4 down;
    server 127.0.0.1:5 max_fails=0;
}
upstream up_least_conn {
    least_conn; server 127.0.0.1:1 weight=3 max_fails=0;
    server 127.0.0.1:2 max_fails=0; server 127.0.0.1:3 weight=2 max_fails=0;
}
upstream up_least_backup {
    least_conn; server 127.0.0.1:1; server 127.0.0.1:2 down;
    server 127.0.0.1:3 backup; server 127.0.0.1:PORT8 backup;
}
upstream up_hash_one { hash $request_uri; server 127.0.0.1:PORT8; }
upstream up_hash_live {
    hash $args; server 127.0.0.1:1; server 127.0.0.1:PORT8; server 127.0.0.1:PORT8;
}
upstream up_random_one { random; server 127.0.0.1:PORT8; }
upstream up_random_live { random; server 127.0.0.1:PORT8; server 127.0.0.1:PORT8; }
upstream up_random_two {
    random two least_conn; server 127.0.0.1:PORT8; server 127.0.0.1:PORT8 weight=2;
}
upstream up_kept_twice {
    server 127.0.0.1:PORT8; keepalive 2; keepalive_requests 2;
}
"""

#: What balancer_by_lua_file names.
BALANCER = 'require("ngx.balancer").set_current_peer("127.0.0.1:1")'

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("up.example")

PAIR = Pair(
    CASES,
    http=HTTP,
    beside=upstream_peer,
    files={
        "lua/balancer.lua": BALANCER,
        "pub/b.txt": "not for everyone",
        "pub/files/a b.txt": "file\n",
        "tls/ca.pem": AUTHORITY.cert_pem.bytes(),
        "tls/other.pem": trustme.CA().cert_pem.bytes(),
        "tls/cert.pem": CERTIFICATE.cert_chain_pems[0].bytes(),
        "tls/key.pem": CERTIFICATE.private_key_pem.bytes(),
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua55"])
def test_on_other_flavours(flavour):
    for name in CASES:
        if not CASES[name].timed:
            PAIR.check(name, flavour)


#: Where nginx 1.22 does worse than newer ones, or does not survive.
NEWER = Pair(
    {
        **{
            path[1:]: proxy("", path)
            for path in (
                "/interim",
                "/two_lengths",
                "/two_framings",
                "/long_length",
                "/long_status",
            )
        },
        "filter_exits": case(
            "location / { auth_request /up; echo in; } location /up {"
            f" proxy_pass {UP}/plain; header_filter_by_lua_block {{ ngx.exit(403) }} }}"
        ),
    },
    beside=upstream_peer,
)

#: A body that nobody wants does not keep a connection from being used again.
REUSED = Pair(
    {
        "auth": case(
            "location / { auth_request /auth; proxy_pass http://up_auth/count; }"
            " location /auth { proxy_pass http://up_auth/count; }"
            " proxy_http_version 1.1; proxy_set_header Connection '';"
        )
    },
    http="upstream up_auth { server 127.0.0.1:PORT8; keepalive 2; }",
    beside=upstream_peer,
)


def test_the_connection_of_an_auth_request_is_used_again():
    (answer,) = REUSED.actual("auth").answers
    assert answer[0] == "HTTP/1.1 200 OK"
    assert "2" in answer


def test_interim_responses_are_left_out():
    (answer,) = NEWER.actual("interim").answers
    assert answer[0] == "HTTP/1.1 200 OK"
    assert "body" in answer


def test_who_is_refused_by_a_header_filter_does_not_come_in():
    (answer,) = NEWER.actual("filter_exits").answers
    assert answer[0] == "HTTP/1.1 403 Forbidden"


def test_a_response_of_two_lengths_is_refused():
    outcome = NEWER.actual("two_lengths")
    assert outcome.answers[0][0] == "HTTP/1.1 502 Bad Gateway"
    assert "upstream sent duplicate header line" in outcome.errors[0]


BAD_ARGUMENTS = {
    "set_current_peer": {
        "": "bad argument #1 to 'set_current_peer' (string expected, got nil)",
        "{}": "bad argument #1 to 'set_current_peer' (string expected, got table)",
        "'::1', 'x'": "bad argument #2 to 'set_current_peer' (number expected, got"
        " string)",
        "'127.0.0.1', 65536": "nil invalid port",
        "'127.0.0.1', 0/0": "nil invalid port",
        "'127.0.0.1', -1": "nil invalid port",
    },
    "set_more_tries": {
        "": "bad argument #1 to 'set_more_tries' (number expected, got nil)",
        "'1'": "bad argument #1 to 'set_more_tries' (number expected, got string)",
        "0/0": "bad argument #1 to 'set_more_tries' (out of range)",
        "2^31": "bad argument #1 to 'set_more_tries' (out of range)",
    },
    "set_timeouts": {"1, 0/0": "bad send timeout"},
}

#: nginx has errors of its FFI for most of them, and takes any number.
BALANCER_ARGUMENTS = Pair(
    {"calls": case("location / { proxy_pass http://by_bad_arguments; }", "/plain")},
    http="upstream by_bad_arguments { server 127.0.0.1:PORT8; balancer_by_lua_block {"
    " local b = require 'ngx.balancer' local function tell(is_ok, one, two)"
    " ngx.log(ngx.WARN, is_ok and tostring(one) .. ' ' .. tostring(two) or one) end "
    + " ".join(
        f"tell(pcall(function() return b.{name}({given}) end))"
        for name, calls in BAD_ARGUMENTS.items()
        for given in calls
    )
    + "} }",
    beside=upstream_peer,
)


@pytest.mark.parametrize("flavour", ["luajit21", "lua51", "lua54"])
def test_arguments_of_the_balancer_are_checked(flavour):
    outcome = BALANCER_ARGUMENTS.actual("calls", flavour)
    assert outcome.answers[0][0] == "HTTP/1.1 200 OK"
    wanted = [text for calls in BAD_ARGUMENTS.values() for text in calls.values()]
    assert len(outcome.errors) == len(wanted)
    for line, text in zip(outcome.errors, wanted, strict=True):
        assert f": {text} while connecting" in line


#: What a name means is machines' own business.
NAMED = Pair(
    {
        "at_once": case(
            "location / { proxy_pass http://localhost:1; error_page 502 = /addr; }"
            " location = /addr { return 200 $upstream_addr; }",
            *["/"] * 5, timed=True
        )
    },
)  # fmt: skip


def test_requests_that_look_up_a_name_at_once_find_each_address_once():
    for answer in NAMED.actual("at_once").answers:
        peers = answer[-1].split(", ")
        assert len(peers) == len(set(peers))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long_length", 'upstream sent invalid "Content-Length" header'),
        ("two_framings", 'upstream sent "Content-Length" and "Transfer-Encoding" head'),
        ("long_status", "upstream sent no valid HTTP/1.0 header"),
    ],
)
def test_framing_that_is_none_is_refused(name, text):
    outcome = NEWER.actual(name)
    assert outcome.answers[0][0] == "HTTP/1.1 502 Bad Gateway"
    assert text in outcome.errors[0]
