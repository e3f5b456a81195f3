"""Compressed responses for clients that do not take them: the gunzip module."""

from __future__ import annotations

import gzip
import random

import pytest
from conversation import get, head, in_turn
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

TEXT = b"<p>packed</p>\n" * 300
PACKED = gzip.compress(TEXT, mtime=0)

#: Some hundred kilobytes of it are compressed, and some megabytes are not.
LARGE = bytes(random.Random(1).choices(b"abcd ", k=3000000))

BROKEN = PACKED[:30] + b"\xff" * 30 + PACKED[60:]

FILES = {
    "html/a.html": b"not packed\n",
    "html/a.html.gz": PACKED,
    "html/a.txt.gz": PACKED,
    "html/large.html.gz": gzip.compress(LARGE, 1, mtime=0),
    "html/cut.html.gz": PACKED[:-3],
    "html/broken.html.gz": BROKEN,
    "html/plain.html.gz": b"this is no gzip\n",
    "html/two.html.gz": PACKED + gzip.compress(b"second\n", mtime=0),
    "html/rest.html.gz": PACKED + b"more",
    "html/zeros.html.gz": PACKED + bytes(10),
    "html/empty.html.gz": b"",
    "html/nothing.html.gz": gzip.compress(b"", mtime=0),
}
NAMES = ("a", "large", "cut", "broken", "plain", "two", "rest", "zeros", "empty",
         "nothing")  # fmt: skip

STATIC = "gzip_static always; gunzip on;"

#: The body in Lua.
DATA = "local f = assert(io.open('PREFIX/html/a.html.gz', 'rb')) local d = f:read('*a')"
CODED = "ngx.header.content_type = 'text/html' ngx.header.content_encoding = 'gzip'"


def static(conf, *talks):
    return case(f"{STATIC} {conf}", *talks)


def lua(code, *talks, conf=""):
    """Return a case of code that prints of ``d``, which is compressed."""
    return case(
        f"gunzip on; location / {{ {conf} content_by_lua_block {{ {DATA} {CODED}"
        f" {code} }} }}", *(talks or ("/", get("/", GZIP))),
    )  # fmt: skip


def proxied(conf, *talks, origin="gzip_static always;"):
    return case(
        f"location / {{ gunzip on; proxy_pass http://127.0.0.1:PORT/raw/;"
        f" proxy_set_header Host NAME; {conf} }}"
        f" location /raw/ {{ alias html/; {origin} }}",
        *(talks or ("/a.html", get("/a.html", GZIP))),
    )


CASES = {
    "static": static(
        "", *(get(f"/{name}.html", version="1.0") for name in NAMES), "/a.html",
        "/a.txt",
    ),
    "taken": static("", get("/a.html", GZIP), get("/broken.html", GZIP)),
    "not_quite_taken": static(
        "",
        *(get("/a.html", f"Accept-Encoding: {text}")
          for text in ("gzip;q=0", "gzip;q=0.1", "deflate", "*", "x-gzip", "")),
    ),
    "off": case("gzip_static always;", "/a.html"),
    "on_and_off": case(
        "gzip_static always; gunzip on; location /off { gunzip off; alias html; }",
        "/a.html", "/off/a.html",
    ),
    "taken_if_proxied": static(
        "gzip_proxied expired;", get("/a.html", GZIP, "Via: x"), get("/a.html", GZIP)
    ),
    "old_clients": static(
        "gzip_http_version 1.1;", get("/a.html", GZIP, version="1.0"),
        get("/a.html", version="1.0"),
    ),
    "disabled": static(
        "gzip_disable old;", get("/a.html", GZIP, "User-Agent: old"),
    ),
    "vary": static("gzip_vary on;", "/a.html", get("/a.html", GZIP), "/none"),
    "head": static("", head("/a.html"), head("/a.html", GZIP)),
    "in_turn": static("", in_turn(*(get(f"/{name}.html") for name in ("a", "two")))),
    "range": static("", get("/a.html", "Range: bytes=0-4")),
    "conditional": static(
        "", get("/a.html", "If-None-Match: *"),
        get("/a.html", 'If-None-Match: "65e1c340-58"'),
        get("/a.html", "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"),
    ),
    "packed_again": static("gzip on; gzip_types *;", "/a.html", get("/a.html", GZIP)),
    "buffers": static(
        "gunzip_buffers 1 64;", get("/a.html", version="1.0"),
        get("/large.html", version="1.0"),
    ),
    "added_header": case(
        "gunzip on; location / { add_header Content-Encoding gzip; }"
        " location /packed/ { gzip on; gzip_types *; alias html/;"
        " add_header Content-Encoding gzip; add_header X-A $sent_http_content_encoding;"
        " }", "/a.html.gz", "/a.txt.gz", get("/packed/a.html", GZIP),
    ),
    "set_header": case(
        "gunzip on; location / { more_set_headers 'Content-Encoding: gzip'; }"
        " location /x { alias html; more_set_headers 'Content-Encoding: GZIP'; }"
        " location /y { alias html; more_set_headers 'Content-Encoding: gzip, br'; }"
        " location /z { alias html; header_filter_by_lua_block {"
        " ngx.header.content_encoding = 'gzip' } }",
        "/a.html.gz", "/x/a.txt.gz", "/y/a.txt.gz", "/z/a.txt.gz",
    ),
    "lua": lua("ngx.print(d)"),
    "lua_in_pieces": lua("for i = 1, #d do ngx.print(d:sub(i, i)) end"),
    "lua_flush": lua(
        "ngx.print(d:sub(1, 40)) ngx.flush(true)"
        " ngx.log(ngx.WARN, ngx.var.body_bytes_sent) ngx.print(d:sub(41))"
    ),
    "lua_cut": lua("ngx.print(d:sub(1, 40))"),
    "lua_broken": lua("ngx.print(ngx.print('no gzip')) ngx.say('later')"),
    "lua_broken_later": lua(
        "ngx.print(d) ngx.flush(true)"
        " local ok, err = ngx.print('no gzip') ngx.log(ngx.WARN, ok, ' ', err)"
    ),
    "lua_nothing": lua(""),
    "lua_length": lua("ngx.header.content_length = #d ngx.print(d)"),
    "lua_etag": lua("ngx.header.etag = '\"x\"' ngx.print(d)"),
    "lua_etag_of_none": lua("ngx.header.etag = 'x' ngx.print(d)"),
    "lua_etag_weak": lua("ngx.header.etag = 'W/\"x\"' ngx.print(d)"),
    "lua_status": lua("ngx.status = 500 ngx.print(d)"),
    "lua_1_0": lua("ngx.print(d)", get("/", version="1.0")),
    "filters": static(
        "location /f/ { alias html/; header_filter_by_lua_block {"
        " ngx.ctx.coding = ngx.header.content_encoding }"
        " body_filter_by_lua_block { ngx.ctx.seen = (ngx.ctx.seen or '')"
        " .. #ngx.arg[1] .. ngx.ctx.coding } log_by_lua_block {"
        " ngx.log(ngx.WARN, ngx.ctx.seen) } }"
        " location /o/ { alias html/; header_filter_by_lua_block {"
        " ngx.header.content_encoding = nil } }", "/f/a.html", "/o/a.html",
    ),
    "captured": static(
        "location = /s { content_by_lua_block {"
        " local r = ngx.location.capture('/a.html') ngx.say(#r.body, ' ',"
        " r.header['Content-Encoding']) } }", "/s",
    ),
    "subrequest": static(
        "location = /s { echo before; echo_location /a.html; echo after; }",
        "/s", get("/s", GZIP),
    ),
    "echoed_around": static(
        "location /e/ { alias html/; echo_before_body before; }", "/e/a.html"
    ),
    "error_page": static("error_page 404 /a.html;", "/none"),
    "proxied": proxied("", *(f"/{name}.html" for name in NAMES if name != "large")),
    "proxied_large": proxied("", get("/large.html", version="1.0")),
    "proxied_taken": proxied("", get("/a.html", GZIP), get("/cut.html", GZIP)),
    "proxied_unbuffered": proxied("proxy_buffering off;", "/a.html", "/cut.html"),
    "proxied_chunked": proxied(
        "", origin=f"content_by_lua_block {{ {DATA} {CODED} ngx.print(d:sub(1, 30))"
        " ngx.flush(true) ngx.print(d:sub(31)) }",
    ),
    "logged": static(
        "access_log PREFIX/logs/NAME.log own;", "/a.html", "/cut.html",
        get("/a.html", GZIP),
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format own '$status $body_bytes_sent $sent_http_content_encoding';",
    files=FILES,
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
