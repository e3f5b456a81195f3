"""Compressed responses: the gzip module."""

from __future__ import annotations

import gzip

import pytest
from conversation import get, head, in_turn, post
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

ACCEPTED = (
    "gzip", "GZIP", "gzip,deflate", "deflate, gzip", "deflate,gzip;q=1",
    "gzip;q=0", "gzip; q=0.001", "gzip;q=0.0001", "gzip;q=1.0", "gzip;q=1.1",
    "gzip;q=2", "gzip;q", "gzip;", "gzip;q=", "gzip;x=1", "gzipx", "xgzip", "x-gzip",
    "xgzip, gzip", "gzip x", "gzip , x", "identity", "*", "gzi", "gzip;q=0.5,x",
    "gzip;q=.5", "gzip;q=1.", "gzip;q=0.5x", "gzip;q=0 , x", "gzip;q=00", "gzip;q =1",
)  # fmt: skip

AGENTS = (
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "Mozilla/4.0 (compatible; MSIE 5.5; Windows NT)", "MSIE 7.0 x", "MSIE 6.0",
    "MSIE 6x0 yz", "old5", "Old", "brand new", "newer",
)  # fmt: skip

PROXIED = (
    "off", "any", "expired", "no-cache", "no-store", "private", "auth",
    "no_last_modified", "no_etag", "no_etag no_last_modified",
)  # fmt: skip

#: Headers of responses, as arguments.
SENT = (
    "", "cache-control=No-Cache,private", "cache-control=max-age=5",
    "expires=Thu,%2001%20Jan%201970%2000:00:01%20GMT", "expires=never",
    "expires=Thu,%2031%20Dec%202037%2023:55:55%20GMT", "etag=%22x%22",
    "last-modified=Sun,%2006%20Nov%201994%2008:49:37%20GMT",
)  # fmt: skip


def packed(conf, *targets):
    """Return a case of targets whose clients take gzip."""
    return case(f"gzip on; {conf}", *(get(target, GZIP) for target in targets))


def lua(code, *targets):
    """Return a case of code that makes the response."""
    block = f"default_type text/html; content_by_lua_block {{ {code} }}"
    return packed(f"location / {{ {block} }}", *(targets or ("/",)))


CASES = {
    "plain": packed("", "/long.html", "/short.html", "/long.txt", "/none", "/d"),
    "off": case("gzip off;", get("/long.html", GZIP)),
    "off_inside": packed("location / { gzip off; }", "/long.html"),
    "in_if": packed(
        "location / { if ($arg_no) { gzip off; } }", "/long.html", "/long.html?no=1"
    ),
    "types": packed("gzip_types text/plain TEXT/X;", "/long.txt", "/a.gif"),
    "types_all": packed("gzip_types *;", "/a.gif", "/noext"),
    "vary": packed("gzip_vary on;", "/long.html", "/long.txt"),
    "not_asked": case("gzip on; gzip_vary on;", "/long.html", "/long.txt"),
    "accepted": case(
        "gzip on;",
        *(get("/long.html", f"Accept-Encoding: {text}") for text in ACCEPTED),
    ),
    "min_length": packed(
        "gzip_min_length 1000; gzip_types text/plain;", "/long.html", "/long.txt"
    ),
    "level": packed("gzip_comp_level 9; gzip_window 4k; gzip_hash 1k;", "/long.html"),
    "buffers": packed(
        "gzip_buffers 4 4k; postpone_gzipping 0; gzip_no_buffer off;", "/long.html"
    ),
    "old_clients": case(
        "gzip on; location /d { gzip_http_version 1.0; }",
        *(get(target, GZIP, version=version)
          for target in ("/long.html", "/d/long.html") for version in ("1.0", "1.1")),
    ),
    "head": case("gzip on;", head("/long.html", GZIP)),
    "range": case("gzip on;", get("/long.html", GZIP, "Range: bytes=0-4")),
    "conditional": case(
        "gzip on;", get("/long.html", GZIP, "If-None-Match: *"),
        get("/long.html", GZIP, "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"),
    ),
    "in_turn": case(
        "gzip on;",
        in_turn(*(get(f"/{name}", GZIP)
                  for name in ("long.html", "long.txt", "long.html"))),
    ),
    "disable": case(
        "gzip on; gzip_disable msie6 '^Old[0-9]' new$;",
        *(get("/long.html", GZIP, f"User-Agent: {agent}") for agent in AGENTS),
    ),
    **{
        f"proxied_{names.replace(' ', '_')}": case(
            f"gzip on; gzip_proxied {names}; location / {{ content_by_lua_block {{"
            " for name, value in pairs(ngx.req.get_uri_args()) do"
            " ngx.header[name] = value end ngx.header.content_type = 'text/html'"
            " ngx.print(('x'):rep(50)) } }",
            *(get(f"/?{args}", GZIP, "Via: x", *more)
              for args in SENT for more in ((), ("Authorization: x",))),
        )
        for names in PROXIED
    },
    "lua": lua("ngx.say(('a'):rep(30)) ngx.flush(true) ngx.print('b') ngx.say('c')"),
    "lua_flush": lua(
        "local function tell() ngx.log(ngx.WARN, ngx.var.body_bytes_sent) end"
        " ngx.print(('a'):rep(30)) tell() ngx.flush(true) tell() ngx.flush(true) tell()"
        " ngx.print(('b'):rep(30)) tell() ngx.flush(true) tell()"
    ),
    "lua_large": lua(
        "for i = 1, 20000 do ngx.print(i * 7919 % 10007, ' ') end"
    ),
    "lua_nothing": lua("local x"),
    "lua_length": lua("ngx.header.content_length = 100 ngx.print(('a'):rep(100))"),
    "lua_coded": lua("ngx.header.content_encoding = 'br' ngx.print(('a'):rep(100))"),
    "lua_etag": lua(
        "ngx.header.etag = ngx.var.arg_e ngx.print(('a'):rep(100))",
        "/?e=x", "/?e=\"x\"", "/?e=W/\"x\"",
    ),
    "lua_statuses": lua(
        "ngx.status = tonumber(ngx.var.arg_s) ngx.print(('a'):rep(100))",
        "/?s=200", "/?s=201", "/?s=403", "/?s=404", "/?s=500", "/?s=206",
    ),
    "lua_exit": lua("ngx.exit(404)"),
    "filters": packed(
        "header_filter_by_lua_block { ngx.header.content_length = nil }"
        " body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1]:upper() }", "/long.html"
    ),
    "subrequests": packed(
        "location = /s { default_type text/html; echo before;"
        " echo_location /long.html; echo_flush; echo_location /long.txt; echo after; }",
        "/s",
    ),
    "captured": packed(
        "location = /s { default_type text/html; content_by_lua_block {"
        " ngx.print(ngx.location.capture('/long.html').body) } }", "/s"
    ),
    "error_page": packed("error_page 404 /long.html;", "/none"),
    "ratio": packed(
        "location / { log_by_lua_block { ngx.log(ngx.WARN,"
        " (tostring(ngx.var.gzip_ratio):gsub('%d', '0'))) } }",
        "/long.html", "/long.txt",
    ),
    **{
        f"static_{mode}{'_varying' * (vary == 'on')}": case(
            f"gzip_static {mode}; gzip_vary {vary};",
            *(talk(f"/{name}", *more)
              for name in ("packed.txt", "long.txt", "dir.txt", "file/x", "no.txt")
              for talk, more in ((get, (GZIP,)), (get, ()), (head, (GZIP,)))),
            get("/packed.txt", GZIP, "Range: bytes=0-4"),
            get("/packed.txt", GZIP, 'If-None-Match: "65e1c340-1b"'),
            post("/packed.txt", b"x", GZIP), get("/packed.txt", GZIP, version="1.0"),
        )
        for mode in ("on", "always", "off") for vary in ("on", "off")
    },
    "static_and_gzip": packed(
        "gzip_types *; gzip_static on;", "/packed.txt", "/long.txt"
    ),
    "static_proxied": case(
        "gzip_static on; gzip_proxied expired;", get("/packed.txt", GZIP, "Via: x")
    ),
    "logged": packed("access_log PREFIX/logs/NAME.log size;", "/long.html"),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format size $body_bytes_sent:$gzip_ratio;",
    files={
        "html/long.html": "<p>compressed</p>\n" * 200,
        "html/short.html": "short\n",
        "html/long.txt": "not compressed\n" * 20,
        "html/a.gif": "GIF" * 20,
        "html/noext": "x" * 30,
        "html/packed.txt": "not packed\n",
        "html/packed.txt.gz": gzip.compress(b"packed\n", mtime=0),
        "html/dir.txt": "beside a folder\n",
        "html/dir.txt.gz/x": "in a folder\n",
        "html/file": "file\n",
        "html/d/long.html": "<p>in a folder</p>\n" * 20,
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES:
        PAIR.check(name, "lua54")
