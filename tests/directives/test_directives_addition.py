"""What other locations answer before and behind a body: the addition module."""

from __future__ import annotations

import gzip

import pytest
from conversation import get, head, in_turn, pipeline, post
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

PAGE = "<p>page</p>\n"
LARGE = "0123456789abcdef\n" * 20000

BOTH = "add_before_body /before; add_after_body /after;"
PARTS = "location = /before { echo before; } location = /after { echo after; }"


def added(conf, *talks):
    return case(f"{PARTS} {conf}", *(talks or ("/page.html",)))


def lua(code, *talks, conf=BOTH):
    return added(
        f"location / {{ {conf} default_type text/html; content_by_lua_block {{"
        f" {code} }} }}", *(talks or ("/",)),
    )  # fmt: skip


def of(directive, location, *talks):
    """Return a case where one of both is another location."""
    return case(
        f"{directive} /other; location = /other {{ {location} }}",
        *(talks or ("/page.html",)),
    )


CASES = {
    "both": added(BOTH),
    "before": added("add_before_body /before;"),
    "after": added("add_after_body /after;"),
    "files": case("add_before_body /a.txt; add_after_body /b.html;", "/page.html"),
    "same": case("add_before_body /page.html; add_after_body /page.html;",
                 "/page.html"),
    "large": case(
        "add_before_body /large.html; add_after_body /large.html;",
        get("/large.html", version="1.0"), get("/page.html", version="1.0"),
    ),
    "none": added("add_before_body ''; add_after_body '';"),
    "inherited": added(
        f"{BOTH} location /a/ {{ alias html/; }}"
        " location /b/ { alias html/; add_before_body ''; }"
        " location /c/ { alias html/; add_after_body /before; }",
        "/a/page.html", "/b/page.html", "/c/page.html",
    ),
    "other_types": added(BOTH, "/a.txt", "/none"),
    "types": added(f"{BOTH} addition_types text/plain;", "/a.txt", "/page.html"),
    "all_types": added(f"{BOTH} addition_types *;", "/a.gif"),
    "head": added(BOTH, head("/page.html")),
    "post": added(f"{BOTH} location / {{ echo -n $request_method; }}"
                  " default_type text/html;", post("/", b"abc")),
    "of_1_0": added(BOTH, get("/page.html", version="1.0")),
    "in_turn": added(
        BOTH, in_turn(*(get(f"/{name}") for name in ("page.html", "a.txt", "b.html")))
    ),
    "pipelined": added(BOTH, pipeline(get("/page.html"), get("/page.html"))),
    "range": added(BOTH, get("/page.html", "Range: bytes=0-3")),
    "conditional": added(
        BOTH, get("/page.html", "If-None-Match: *"),
        get("/page.html", 'If-None-Match: "65e1c340-c"'),
    ),
    "empty": added(BOTH, "/empty.html"),
    "error_page": added(f"{BOTH} error_page 404 /page.html;", "/none"),
    "error_page_200": added(f"{BOTH} error_page 404 =200 /page.html;", "/none"),
    "return": added(
        f"{BOTH} default_type text/html; location / {{ return 200 body; }}"
        " location /no { return 404 body; }", "/", "/no",
    ),
    "lua": lua("ngx.say('body')"),
    "lua_pieces": lua("for i = 1, 3 do ngx.say(i) end", get("/", version="1.0")),
    "lua_waits": lua(
        "ngx.say(1) ngx.sleep(0.01) ngx.say(2) ngx.sleep(0.01)",
        get("/", version="1.0"),
    ),
    "lua_nothing": lua("local x"),
    "lua_length": lua("ngx.header.content_length = 4 ngx.print('body')"),
    "lua_eof": lua("ngx.say('body') ngx.log(ngx.WARN, ngx.eof())"
                   " ngx.log(ngx.WARN, ngx.say('more'))"),
    "lua_exit": lua("ngx.say('body') ngx.exit(200)"),
    "lua_exit_ok": lua("ngx.say('body') ngx.exit(0)"),
    "lua_access": added(
        f"location / {{ {BOTH} default_type text/html;"
        " access_by_lua_block { ngx.say('body') ngx.exit(200) } }", "/",
    ),
    "of_lua": of(
        "add_before_body", "content_by_lua_block { ngx.say(ngx.req.get_method(), ' ',"
        " ngx.var.uri, ' ', ngx.var.request_uri, ' ', ngx.is_subrequest) }",
    ),
    "of_lua_that_waits": of(
        "add_before_body", "content_by_lua_block { ngx.say(1) ngx.sleep(0.01)"
        " ngx.say(2) }",
    ),
    "after_of_lua_that_waits": of(
        "add_after_body", "content_by_lua_block { ngx.say(1) ngx.sleep(0.01)"
        " ngx.say(2) }", "/page.html", in_turn(get("/page.html"), get("/page.html")),
    ),
    "not_found": case(
        "add_before_body /none; add_after_body /no; location /no { return 403; }",
        "/page.html",
    ),
    "of_redirect": of("add_after_body", "rewrite ^ /b.html;"),
    "of_nothing": of("add_after_body", "return 204;"),
    "of_args": case(
        "add_before_body /q?a=1; location /q { echo $uri $args; }", "/page.html?b=2"
    ),
    "of_internal": of("add_before_body", "internal; echo internal;"),
    "variables": case(
        "location / { set $a main; add_before_body /sub; add_after_body /show; }"
        " location /sub { set $a sub; echo $a; } location /show { echo $a; }"
        " access_log logs/NAME.log own;", "/page.html",
    ),
    "proxied": added(
        f"location / {{ {BOTH} proxy_pass http://127.0.0.1:PORT/raw/;"
        " proxy_set_header Host NAME; } location /raw/ { alias html/; }",
        "/page.html", "/a.txt",
    ),
    "of_proxied": added(
        "add_before_body /up/page.html; location /up/ {"
        " proxy_pass http://127.0.0.1:PORT/raw/; proxy_set_header Host NAME; }"
        " location /raw/ { alias html/; add_before_body ''; }", "/page.html",
    ),
    "echo": added(
        f"location / {{ {BOTH} default_type text/html; echo 1; echo_location /s;"
        " echo 2; } location /s { echo s; }", get("/", version="1.0"),
    ),
    "echo_async": added(
        f"location / {{ {BOTH} default_type text/html; echo 1; echo_location_async /s;"
        " echo 2; } location /s { echo s; }", get("/", version="1.0"),
    ),
    "echo_async_filtered": case(
        "default_type text/html; location / { echo 1; echo_location_async /s; echo 2; }"
        " location /s { sub_filter s SUB; echo s; }", get("/", version="1.0"),
    ),
    "gzip": added(
        f"{BOTH} gzip on; gzip_min_length 1; gzip_types *;", get("/page.html", GZIP)
    ),
    "gunzip": added(f"{BOTH} gunzip on; gzip_static always;", "/packed.html"),
    "gunzip_broken": added(f"{BOTH} gunzip on; gzip_static always;", "/broken.html"),
    "sub_filter": added(
        f"{BOTH} sub_filter page PAGE; sub_filter before BEFORE; sub_filter_once off;"
        " default_type text/html;", get("/page.html", version="1.0"),
    ),
    "filters": added(
        "add_before_body /before; location / { body_filter_by_lua_block {"
        " ngx.arg[1] = ngx.arg[1]:upper() } }",
    ),
    "filters_of_parts": added(
        f"{BOTH} body_filter_by_lua_block {{ if ngx.var.uri ~= '/page.html' then"
        " ngx.arg[1] = ngx.arg[1]:upper() end }"
        " header_filter_by_lua_block { if ngx.var.uri ~= '/page.html' then"
        " ngx.log(ngx.WARN, ngx.var.uri) end }",
    ),
    "echoed_around": added(
        f"{BOTH} location / {{ echo_before_body inner; echo_after_body inner; }}",
        get("/page.html", version="1.0"),
    ),
    "trailer": added("add_before_body /before; add_trailer X $body_bytes_sent;"),
    "captured": added(
        f"{BOTH} location = /s {{ content_by_lua_block {{"
        " ngx.print(ngx.location.capture('/page.html').body) } }", "/s",
    ),
    "logged": added(f"{BOTH} access_log logs/NAME.log own; log_subrequest on;"),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format own '$uri $status $body_bytes_sent $sent_http_content_length';",
    files={
        "html/page.html": PAGE,
        "html/b.html": "<b>b</b>\n",
        "html/a.txt": "a text\n",
        "html/a.gif": "GIF\n",
        "html/empty.html": "",
        "html/large.html": LARGE,
        "html/packed.html.gz": gzip.compress(PAGE.encode(), mtime=0),
        "html/broken.html.gz": b"no gzip",
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


#: What nginx never ends, and what it adds to what comes behind a body, twice.
OURS = Pair(
    {
        "filter": added(
            f"{BOTH} location / {{ body_filter_by_lua_block {{"
            " ngx.arg[1] = ngx.arg[1]:upper() } }", get("/page.html", version="1.0"),
        ),
        "trailer": added(f"{BOTH} add_trailer X y;"),
    },
    files={"html/page.html": PAGE},
)  # fmt: skip


@pytest.mark.parametrize("flavour", ["luajit21", "lua54"])
def test_a_body_filter_sees_the_end(flavour):
    answer = "\n".join(OURS.actual("filter", flavour).answers[0])
    assert answer.endswith("before\n<P>PAGE</P>\nafter\n")


def test_trailers_come_once():
    answer = OURS.actual("trailer").answers[0]
    assert answer[-4:] == ("0", "X: y", "", "")


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
