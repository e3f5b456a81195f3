"""What is told of a response behind its body: add_trailer."""

from __future__ import annotations

import gzip

import pytest
from conversation import get, head, in_turn
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

SAFE = (200, 201, 206, 301, 302, 303, 307, 308)
OTHERS = (202, 203, 300, 400, 403, 404, 500, 503)


def lua(directives, code, *talks):
    """Return a case of a Lua handler."""
    return case(
        f"location / {{ {directives} content_by_lua_block {{ {code} }} }}", *talks
    )


CASES = {
    "static": case("add_trailer X-A 1; add_trailer x-b $uri;", "/a.txt", "/none"),
    "twice": case("add_trailer X 1; add_trailer X 2;", "/a.txt"),
    "no_value": case(
        "add_trailer X ''; add_trailer Y $arg_y;", "/a.txt", "/a.txt?y=1"
    ),
    "of_1_0": case("add_trailer X 1;", get("/a.txt", version="1.0")),
    "of_head": case("add_trailer X 1;", head("/a.txt")),
    "no_chunks": case(
        "add_trailer X 1; chunked_transfer_encoding off;", "/a.txt", "/lua",
    ),
    "in_turn": case(
        "add_trailer X $uri;", in_turn(get("/a.txt"), head("/a.txt"), get("/b.txt"))
    ),
    "ranges": case(
        "add_trailer X 1;", get("/a.txt", "Range: bytes=1-3"),
        get("/a.txt", "Range: bytes=900-"),
    ),
    "ranges_always": case(
        "add_trailer X $status always;", get("/a.txt", "Range: bytes=900-")
    ),
    "conditional": case("add_trailer X 1;", get("/a.txt", "If-None-Match: *")),
    **{
        f"status_{status}": lua(
            "add_trailer X 1; add_trailer Y $status always;",
            f"ngx.status = {status} ngx.print('x')",
        )
        for status in (*SAFE, *OTHERS)
    },
    "status_204": lua("add_trailer X 1 always;", "ngx.exit(204)"),
    "special": case("add_trailer X 1; add_trailer Y 2 always;", "/none", "/d"),
    "return": case(
        "add_trailer X 1; location / { return 200 abc; }"
        " location /e { return 200; } location /m { return 301 /x; }",
        "/", "/e", "/m",
    ),
    "inherited": case(
        "add_trailer A server; location /a { return 200 a; }"
        " location /b { add_trailer B location; return 200 b; }"
        " location /c { add_header C c; return 200 c; }", "/a", "/b", "/c",
    ),
    "in_if": case(
        "location / { add_trailer A 1; if ($arg_x) { add_trailer B 2; }"
        " return 200 a; }", "/", "/?x=1",
    ),
    "with_headers": case(
        "add_header H $sent_trailer_x; add_trailer X $sent_http_h; add_header H 2;"
        " add_trailer Y $sent_trailer_x;", "/a.txt",
    ),
    "lua": lua(
        "add_trailer X $a; set $a 1;",
        "ngx.print('x') ngx.flush(true) ngx.var.a = 2 ngx.print('y')",
    ),
    "lua_length": lua(
        "add_trailer X 1;", "ngx.header.content_length = 3 ngx.print('abc')"
    ),
    "lua_nothing": lua("add_trailer X 1;", "local x"),
    "lua_header_only": lua("add_trailer X 1;", "ngx.send_headers()"),
    "lua_eof": lua(
        "add_trailer X $a; set $a 1;", "ngx.print('x') ngx.eof() ngx.var.a = 2"
    ),
    "time": lua("add_trailer X $a; set $a 1;", "ngx.print('x') ngx.var.a = 2"),
    "bytes": lua(
        "add_trailer X $body_bytes_sent;", "ngx.print('abc') ngx.flush(true)"
        " ngx.print('d')",
    ),
    "filters": case(
        "add_trailer X $a; set $a 1; header_filter_by_lua_block {"
        " ngx.header.content_length = nil } body_filter_by_lua_block {"
        " if ngx.arg[2] then ngx.var.a = 'last' else ngx.var.a = 'not' end }",
        "/a.txt",
    ),
    "end_given_early": lua(
        "add_trailer X $a; set $a 1; body_filter_by_lua_block {"
        " ngx.var.a = ngx.arg[1] ngx.arg[2] = true }",
        "ngx.print('x') ngx.print('y')",
    ),
    "echo": case(
        "location / { add_trailer X 1; echo_before_body a; echo b;"
        " echo_after_body c; }"
    ),
    "gzip": case(
        "gzip on; gzip_min_length 1; gzip_types *; add_trailer X 1;",
        get("/a.txt", GZIP),
    ),
    "gunzip": case(
        "gunzip on; gzip_static always; add_trailer X $body_bytes_sent;", "/p.txt",
    ),
    "subrequest": case(
        "location / { add_trailer X main; echo_location /s; }"
        " location /s { add_trailer X sub; echo sub; }",
    ),
    "captured": case(
        "location / { add_trailer X main; content_by_lua_block {"
        " local r = ngx.location.capture('/s') ngx.print(r.body) } }"
        " location /s { add_trailer X sub; echo sub; }",
    ),
    "proxied": case(
        "location / { add_trailer X $upstream_status; proxy_pass"
        " http://127.0.0.1:PORT/raw/; proxy_set_header Host NAME; }"
        " location /raw/ { alias html/; }", "/a.txt", "/none",
    ),
    "error_page": case(
        "error_page 404 /e; add_trailer X 1 always;"
        " location /e { add_trailer Y 2 always; return 200 e; }", "/none",
    ),
    "logged": case(
        "add_trailer X-A 1; add_trailer X-A 2; access_log logs/NAME.log own;",
        "/a.txt", "/none", get("/a.txt", version="1.0"), head("/a.txt"),
    ),
    "of_lua": lua(
        "add_trailer X-A 1; log_by_lua_block {"
        " ngx.log(ngx.WARN, ngx.var.sent_trailer_x_a) }", "ngx.print('x')",
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format own '$sent_trailer_x_a|$sent_trailer_y|$body_bytes_sent';",
    files={
        "html/a.txt": "0123456789\n" * 5,
        "html/b.txt": "b\n",
        "html/d/x": "",
        "html/p.txt.gz": gzip.compress(b"packed\n", mtime=0),
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES:
        PAIR.check(name, "lua54")
