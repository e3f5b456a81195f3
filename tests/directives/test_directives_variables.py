"""Each variable that nginx defines: its value, and what comes of setting it."""

from __future__ import annotations

import re

import pytest
from conversation import chunked, get, head, in_turn, post, raw, request
from directive_pair import Pair, case

from resty_py.conf.variables import BUILTIN, CHANGEABLE, PREFIXES

NAMES = sorted(BUILTIN | CHANGEABLE)

#: Variables whose values are never the same, and what becomes of the digits.
VARYING = {
    "date_gmt", "date_local", "msec", "nginx_version", "pid", "realip_remote_port",
    "remote_port", "request_id", "server_port", "tcpinfo_rtt", "tcpinfo_rttvar",
    "time_iso8601", "time_local", "connection", "connection_time", "request_time",
    "echo_timer_elapsed",
}  # fmt: skip


def one(name):
    """Return a case that shows a variable in Lua and in texts, and tries to set it."""
    lua = (
        f"local v, n = ngx.var, '{name}' ngx.say(v[n])"
        " ngx.say(pcall(function() v[n] = 'x' end)) ngx.say(v[n])"
        " ngx.say(pcall(function() v[n] = nil end)) ngx.say(v[n])"
    )
    return case(
        f"location / {{ content_by_lua_block {{ {lua} }} }}"
        f" location /text {{ return 200 '[${name}]'; }}"
        f" location /log {{ access_log logs/NAME.log {name}; echo ok; }}",
        "/", "/text?a=1", "/log", level="error"
    )  # fmt: skip


def unused(name):
    """Return a case of Lua setting a variable that no text has."""
    lua = f"ngx.say(pcall(function() ngx.var.{name} = 'x' end)) ngx.say(ngx.var.{name})"
    return case(f"location / {{ content_by_lua_block {{ {lua} }} }}")


def text(names, *talks, conf=""):
    shown = "|".join(f"${{{name}}}" for name in names.split())
    return case(f"{conf} location / {{ return 200 '{shown}'; }}", *talks)


def lua(names, *talks, before=""):
    shown = ", '|', ".join(f"v.{name}" for name in names.split())
    return case(
        f"location / {{ content_by_lua_block {{ {before} local v = ngx.var"
        f" ngx.say({shown}) }} }}", *talks
    )  # fmt: skip


REQUEST = "request request_method request_uri uri document_uri args query_string"
" is_args"

MORE = {
    "of_requests": text(
        REQUEST, "/", "/a%20b?x=%20y", "/a?", "/a/../b?x", post("/p", b"x"), head("/h"),
        request("BREW", "/x"), get("/", version="1.0"),
    ),
    "of_protocols": text(
        "server_protocol scheme https http2", "/", get("/", version="1.0")
    ),
    "of_hosts": text(
        "host http_host server_name", "/", get("/", host="NAME"),
        raw("absolute", b"GET http://of_hosts/x HTTP/1.1\r\nHost: other\r\n"
            b"Connection: close\r\n\r\n"),
    ),
    "of_headers": text(
        "http_user_agent http_referer http_via http_x_forwarded_for http_cookie"
        " http_accept http_x_y http_none proxy_add_x_forwarded_for",
        get("/", "User-Agent: u", "Referer: r", "Via: v", "X-Forwarded-For: 1.2.3.4",
            "Cookie: a=b; c=d", "Accept: a", "X-Y: z"),
        "/",
    ),
    "of_browsers": text(
        "msie ancient_browser modern_browser",
        *(get("/", f"User-Agent: {agent}") for agent in (
            "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "MSIE 6",
            "MSIE 7.0 Opera",
            "curl/8",
        )),
    ),
    "of_cookies": text(
        "cookie_a cookie_b cookie_none", get("/", "Cookie: a=1; b=x y; a=2"),
        get("/", "Cookie: ab=1;a=2"), "/",
    ),
    "of_args": text(
        "arg_a arg_b arg_A arg_none", "/?a=1&b=2", "/?a=1&a=2", "/?A=3", "/?a",
        "/?a=&b",
        "/?xa=1&a=%20",
    ),
    "of_users": text(
        "remote_user", get("/", "Authorization: Basic dXNlcjpwYXNz"),
        get("/", "Authorization: Basic OnBhc3M="), get("/", "Authorization: Basic !!"),
        get("/", "Authorization: Bearer x"), get("/", "authorization: basic dXNlcg=="),
    ),
    "of_bodies": case(
        "location / { content_by_lua_block { local v = ngx.var ngx.req.read_body()"
        " ngx.say(v.request_body, '|', v.content_length, '|', v.content_type, '|',"
        " v.request_body_file and 'file', '|', v.request_length) } }",
        post("/", b"a=1", "Content-Type: a/b"), chunked("/", b"abc"), "/",
        post("/", b""), post("/", b"x" * 20_000), level="error",
    ),
    "of_unread_bodies": text(
        "request_body content_length request_body_file", post("/", b"abc")
    ),
    "of_roots": text(
        "document_root realpath_root request_filename", "/x", conf="root html/d;"
    ),
    "of_roots_by_alias": case(
        "location /a/ { alias html/d/; return 200 '$document_root|$realpath_root"
        "|$request_filename'; }", "/a/x",
    ),
    "of_missing_roots": text("realpath_root document_root", "/", conf="root none;"),
    "of_connections": case(
        "location / { return 200 '$connection_requests $pipe $connections_active"
        " $connections_reading $connections_writing $connections_waiting'; }",
        in_turn(get("/"), get("/"), get("/")),
        raw("pipeline", get("/").data() + get("/").data() + get("/").last()),
    ),
    "of_addresses": case(
        "location / { return 200 '$remote_addr $server_addr $realip_remote_addr'; }",
        listen="listen [::1]:PORT2;", to="[::1]:PORT2",
    ),
    "of_unix_sockets": case(
        "location / { return 200 '[$remote_addr] [$remote_port] [$server_addr]"
        " [$server_port] [$tcpinfo_rtt] [$proxy_add_x_forwarded_for]'; }",
        listen="listen unix:PREFIX/NAME.sock;", to="unix:PREFIX/NAME.sock",
    ),
    "of_responses": case(
        "access_log logs/NAME.log sent; location / { add_header Cache-Control a;"
        " add_header Cache-Control b; add_header Link l; add_header X y;"
        " return 200 hello; } location /redirect { return 301 /x; } location /lua {"
        " echo hello; } location /f { root html; }",
        "/", "/redirect", "/lua", "/f.txt", head("/"),
        raw("kept", get("/").data(), b"", get("/").last()),
    ),
    "of_keep_alive": case(
        "keepalive_timeout 60 30; access_log logs/NAME.log sent; location / {"
        " return 200; }",
        raw("kept", get("/").data(), b"", get("/").last()),
    ),
    "of_sizes": case(
        "access_log logs/NAME.log sizes; location / { return 200 hello; }"
        " location /e { echo hello; }", "/", head("/"), "/e", get("/e", version="1.0"),
        post("/", b"x" * 10),
    ),
    "of_status": case(
        "access_log logs/NAME.log of_status; location / { return 204; } location /lua {"
        " content_by_lua_block { ngx.status = 202 ngx.say(ngx.var.status) } }"
        " location /none { return 404; }", "/", "/lua", "/none",
    ),
    "of_echo": case(
        "location / { echo '$echo_request_method $echo_client_request_method"
        " $echo_request_uri $echo_cacheable_request_uri'; echo_location /sub; }"
        " location /sub { echo '$echo_request_method $echo_client_request_method"
        " $echo_request_uri $echo_client_request_headers $echo_incr'; }"
        " location /loop { echo_foreach_split , $arg_l; echo $echo_it; echo_end; }"
        " location /body { echo_read_request_body; echo [$echo_request_body]; }"
        " location /status { echo_status 404; echo $echo_response_status; }",
        "/?a=b", "/loop?l=a,b", post("/body", b"abc"), "/status",
    ),
    "in_subrequests": case(
        "location / { set $a main; echo_location /sub x=1; }"
        " location /sub { echo '$uri $args $request_uri $request_method $status"
        " $request_length $request_completion $a $arg_x $bytes_sent'; }", "/?y=2",
    ),
    "in_redirects": case(
        "location / { echo_exec /b z=1; } location /b { echo '$uri $args $request_uri"
        " $document_uri $arg_y'; }", "/?y=2",
    ),
    "of_captures": case(
        "location ~ ^/(?<first>.)(.)(.)? { content_by_lua_block { local v = ngx.var"
        " ngx.say(v[0], v[1], v[2], v[3], v[4], v.first, v.FIRST) } }", "/abc", "/ab",
    ),
    "of_names": lua(
        "Arg_A ARG_a http_HOST Request_Method none_at_all uri2", "/?a=1&A=2"
    ),
    "of_odd_names": case(
        "location / { content_by_lua_block { for _, n in ipairs {'', ' ', 'a-b', '1',"
        " '$a', 'arg_', 'http_', 'cookie_', 'sent_http_'}"
        " do ngx.say('[', ngx.var[n], ']') end } }",
        "/?=1",
    ),
    "sent_later": case(
        "location / { content_by_lua_block { local v = ngx.var ngx.header.X = 'a'"
        " ngx.say(v.sent_http_x, '|', v.sent_http_content_type) ngx.flush(true)"
        " ngx.say(v.sent_http_x, '|', v.sent_http_content_type, '|',"
        " v.sent_http_transfer_encoding, '|', v.sent_http_connection) } }"
    ),
    "args_are_set": case(
        "location / { content_by_lua_block { local v = ngx.var v.args = 'b=2'"
        " ngx.say(v.args, v.arg_b, v.arg_a, v.query_string, v.is_args, v.request_uri)"
        " v.args = '' ngx.say(v.args, v.is_args) v.args = nil ngx.say(v.args,"
        " v.is_args) } }",
        "/?a=1",
    ),
    "args_are_none_or_empty": case(
        "location /files { try_files /none /say; } location /files_args {"
        " try_files /none /say$is_args$args; } location /drop { rewrite ^ /say? last; }"
        " location /keep { rewrite ^ /say last; }"
        " location /say { content_by_lua_block {"
        " ngx.say(type(ngx.var.args), ngx.var.args, type(ngx.var.query_string)) } }",
        "/files", "/files?a=b", "/files_args", "/files_args?a=b", "/drop", "/drop?a=b",
        "/keep", "/keep?a=b",
    ),
    "defined_anew": case(
        "set $proxy_host here; set $ssl_protocol TLSv9; set $msie maybe; location / {"
        " return 200 '$proxy_host $ssl_protocol $msie $proxy_port'; }"
    ),
    **{
        f"unused_{name}": unused(name)
        for name in ("uri", "proxy_port", "ssl_cipher", "uid_reset", "upstream_addr",
                     "http_host", "http_x", "arg_x", "cookie_x", "sent_http_link",
                     "sent_http_x", "nothing")
    },
    **{
        f"prefix_{prefix}": text(
            f"{prefix}x {prefix}", get("/?x=1", "X: 2", "Cookie: x=3"))
        for prefix in PREFIXES
    },
}  # fmt: skip

CASES = {**{name: one(name) for name in NAMES}, **MORE}

HTTP = (
    "".join(f"log_format {name} '[${name}]';\n" for name in NAMES)
    + """
log_format sent '$sent_http_content_type|$sent_http_content_length|$sent_http_location
|$sent_http_last_modified|$sent_http_connection|$sent_http_keep_alive
|$sent_http_transfer_encoding|$sent_http_cache_control|$sent_http_link|$sent_http_x';
log_format sizes '$bytes_sent $body_bytes_sent $request_length';
log_format of_status '$status $request_completion';
"""
)

PAIR = Pair(CASES, http=HTTP, files={"html/f.txt": "file\n", "html/d/x": "x"})


@pytest.mark.parametrize("name", MORE)
def test_as_nginx_does(name):
    PAIR.check(name)


def shape(lines):
    """Return lines with one digit for all numbers, and without sizes of chunks."""
    kept = [line for line in lines if not re.fullmatch("[0-9a-f]{1,3}", line)]
    return [re.sub(r"\b[0-9a-f]{32}\b|\d+|\b[A-Z][a-z]{2}\b", "#", one) for one in kept]


@pytest.mark.parametrize("name", NAMES)
def test_each_variable(name):
    if name in VARYING:
        theirs, ours = PAIR.expected(name).lines(), PAIR.actual(name).lines()
        assert shape(ours) == shape(theirs)
    else:
        PAIR.check(name)


def test_names_that_vary_are_variables():
    assert VARYING.issubset(NAMES)
