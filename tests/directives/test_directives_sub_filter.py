"""Texts of a response that become others: the sub module."""

from __future__ import annotations

import gzip
import random

import pytest
from conversation import get, head, in_turn
from directive_pair import Pair, case

GZIP = "Accept-Encoding: gzip"

PAGE = "<p>One fish, two fish, red Fish, blue FISH.</p>\n"
LARGE = "".join(random.Random(1).choices(["needle ", "hay ", "NEED", "le "], k=30000))

FISH = "sub_filter fish bird;"

#: Patterns that overlap and begin each other, and texts of their letters.
TANGLES = (
    ("abcd", "b"), ("ab", "abcd"), ("abcd", "ab", "cd"), ("aab", "ab", "b"),
    ("aaaa", "aa"), ("abab", "baba"), ("aba", "a"), ("abc", "bcd", "cda"), ("a", "a"),
)  # fmt: skip


def words(number):
    """Return pieces of a text, parted by dashes."""
    draw = random.Random(number)
    pieces = ["".join(draw.choices("abcd", (4, 3, 1, 1), k=draw.randint(1, 9)))
              for _ in range(draw.randint(1, 8))]  # fmt: skip
    return "-".join(pieces)


def tangle(patterns, once):
    subs = " ".join(f"sub_filter {one} [{n}];" for n, one in enumerate(patterns))
    return case(
        f"{subs} sub_filter_once {once}; location / {{ default_type text/html;"
        " content_by_lua_block { for piece in ngx.var.arg_t:gmatch('[^-]+') do"
        " ngx.print(piece) if ngx.var.arg_f then ngx.flush() end end } }",
        *(get(f"/?t={words(number)}{'&f=1' * (number % 2)}", version="1.0")
          for number in range(30)),
    )  # fmt: skip


def page(conf, *targets):
    return case(conf, *(targets or ("/page.html",)))


def lua(code, *talks, conf=FISH):
    """Return a case of code that makes the response."""
    return case(
        f"{conf} location / {{ default_type text/html; content_by_lua_block {{"
        f" {code} }} }}", *(talks or ("/",)),
    )  # fmt: skip


def proxied(conf, *talks):
    return case(
        f"location / {{ {conf} proxy_pass http://127.0.0.1:PORT/raw/;"
        " proxy_set_header Host NAME; } location /raw/ { alias html/; }"
        " location /raw/lua { default_type text/html; content_by_lua_block {"
        " ngx.print('one fi') ngx.flush(true) ngx.print('sh') ngx.flush(true)"
        " ngx.print(', one fish') } }", *(talks or ("/page.html",)),
    )  # fmt: skip


CASES = {
    **{
        f"tangle_{number}_{once}": tangle(patterns, once)
        for number, patterns in enumerate(TANGLES) for once in ("on", "off")
    },
    "once": page(FISH),
    "many_times": page(f"{FISH} sub_filter_once off;"),
    "caseless": page("sub_filter FiSH Bird; sub_filter_once off;"),
    "bytes": page("sub_filter é È; sub_filter ß ss; sub_filter_once off;", "/utf.html"),
    "several": page(f"{FISH} sub_filter One Two; sub_filter two one;"),
    "several_many_times": page(
        f"{FISH} sub_filter red blue; sub_filter blue red; sub_filter_once off;"
    ),
    "nothing_found": page("sub_filter whale bird;"),
    "to_nothing": page("sub_filter fish ''; sub_filter_once off;"),
    "to_itself": page("sub_filter fish fishfish; sub_filter_once off;"),
    "longer_than_all": page(f"sub_filter {'fish' * 40} bird;"),
    "long_pattern": case(
        f"sub_filter {'a' * 300}b x; sub_filter_once off; location / {{"
        " default_type text/html; content_by_lua_block {"
        " ngx.print(('a'):rep(500)) ngx.print('b', ('a'):rep(299)) ngx.print('b')"
        " ngx.print(('A'):rep(300), 'B') } }", get("/", version="1.0"),
    ),
    "value_of_variable": page("sub_filter fish '$uri $host'; sub_filter_once off;"),
    "value_of_no_variable": page("sub_filter fish $arg_none; sub_filter_once off;"),
    "value_is_read_once": lua(
        "ngx.print('fish ') ngx.var.a = 2 ngx.print('fish ')"
        " ngx.flush() ngx.var.a = 3 ngx.print('fish')", get("/", version="1.0"),
        conf="sub_filter fish $a; sub_filter_once off; set $a 1;",
    ),
    "pattern_of_variable": page(
        "sub_filter $arg_a bird; sub_filter 'red$arg_b' green; sub_filter_once off;",
        "/page.html?a=FISH", "/page.html", "/page.html?b=%20Fish&a=One",
        "/page.html?a=x&b=x",
    ),
    "pattern_of_no_variable": page("sub_filter $arg_a bird;"),
    "captures": case(
        "location ~ ^/(.)(.*)$ { root html; sub_filter $1 <$2>; sub_filter_once off; }",
        "/page.html", "/fish.html",
    ),
    "types": page(f"{FISH} sub_filter_types text/plain;", "/page.html", "/fish.txt"),
    "other_types": page(FISH, "/fish.txt", "/fish.gif"),
    "all_types": page(f"{FISH} sub_filter_types *;", "/fish.txt", "/fish.gif"),
    "last_modified": page(f"{FISH} sub_filter_last_modified on;"),
    "conditional": case(
        f"{FISH} sub_filter_last_modified on;",
        get("/page.html", "If-None-Match: *"),
        get("/page.html", "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"),
    ),
    "range": case(FISH, get("/page.html", "Range: bytes=0-4")),
    "head": case(FISH, head("/page.html"), head("/fish.txt")),
    "of_1_0": case(FISH, get("/page.html", version="1.0")),
    "in_turn": case(FISH, in_turn(get("/page.html"), get("/fish.txt"),
                                  get("/page.html"))),
    "empty": page(FISH, "/empty.html"),
    "large": case(
        "sub_filter needle pin; sub_filter_once off;",
        get("/large.html", version="1.0"),
    ),
    "large_once": case(
        "sub_filter needle pin; sub_filter no bird;", get("/large.html", version="1.0")
    ),
    "inherited": case(
        f"{FISH} sub_filter_once off; location /a/ {{ alias html/; }}"
        " location /b/ { alias html/; sub_filter red green; }"
        " location /c/ { alias html/; sub_filter_once on; }",
        "/a/page.html", "/b/page.html", "/c/page.html",
    ),
    "error_page": case(
        "sub_filter '404 Not Found' Nothing; sub_filter_once off;", "/none",
        "/page.html",
    ),
    "error_page_own": case(f"{FISH} error_page 404 /page.html;", "/none"),
    "return": case(
        f"{FISH} default_type text/html; location / {{ return 200 'a fish'; }}"
        " location /m { return 301 /fish; }", "/", "/m",
    ),
    "lua": lua("ngx.say('a fish and a FISH')"),
    "lua_in_pieces": lua(
        "for piece in ('a fish and a FISH'):gmatch('.') do ngx.print(piece) end",
        get("/", version="1.0"), conf=f"{FISH} sub_filter_once off;",
    ),
    "lua_length": lua("ngx.header.content_length = 6 ngx.print('a fish')"),
    "lua_length_0": lua("ngx.header.content_length = 0 ngx.header.etag = '\"x\"'"),
    "lua_headers": lua(
        "ngx.header.etag = '\"x\"' ngx.header.last_modified = 0 ngx.print('a fish')"
    ),
    "lua_nothing": lua("local x"),
    "lua_end": lua("ngx.print('a fis')"),
    "lua_eof": lua("ngx.print('a fis') ngx.eof() ngx.print('h')"),
    "lua_exit": lua("ngx.print('a fish') ngx.exit(500)"),
    "filters": case(
        f"{FISH} sub_filter_once off; header_filter_by_lua_block {{"
        " ngx.ctx.length = ngx.header.content_length } body_filter_by_lua_block {"
        " ngx.arg[1] = ngx.arg[1]:gsub('red', 'fish') ngx.ctx.last = ngx.arg[2] }"
        " log_by_lua_block { ngx.log(ngx.WARN, ngx.ctx.length, ngx.ctx.last) }",
        "/page.html",
    ),
    "filter_sets_type": case(
        f"{FISH} header_filter_by_lua_block {{ ngx.header.content_type = 'a/b' }}",
        "/page.html",
    ),
    "more_headers": case(
        f"{FISH} more_set_headers 'Content-Type: text/html; charset=x';"
        " add_header ETag x; add_header Last-Modified x;", "/fish.txt",
    ),
    "charset": case(f"{FISH} charset utf-8;", "/page.html"),
    "echoed_around": case(
        f"{FISH} sub_filter_once off; default_type text/html;"
        " location / { echo_before_body 'a fish before'; echo 'a fish';"
        " echo_after_body 'a fish after'; }", get("/", version="1.0"),
    ),
    "gzip": case(
        f"{FISH} sub_filter_once off; gzip on; gzip_min_length 1;"
        " sub_filter_last_modified on;", get("/page.html", GZIP), "/page.html",
    ),
    "gunzip": case(
        f"{FISH} gunzip on; gzip_static always;", "/packed.html",
        get("/packed.html", GZIP),
    ),
    "gunzip_and_all": case(
        f"{FISH} gunzip on; gzip_static always; gzip on; sub_filter_once off;"
        " header_filter_by_lua_block { ngx.ctx.coding = ngx.header.content_encoding }"
        " body_filter_by_lua_block { ngx.ctx.first = ngx.ctx.first or"
        " ngx.arg[1]:byte() } add_trailer X $coding; set $coding x; log_by_lua_block {"
        " ngx.log(ngx.WARN, ngx.ctx.coding, ngx.ctx.first) }", "/packed.html",
    ),
    "trailer": case(f"{FISH} add_trailer X $body_bytes_sent;", "/page.html"),
    "captured": case(
        f"{FISH} location = /s {{ content_by_lua_block {{"
        " ngx.print(ngx.location.capture('/page.html').body) } }", "/s",
    ),
    "subrequests": case(
        f"sub_filter_once off; location = /s {{ sub_filter red black;"
        " default_type text/html; echo 'red before'; echo_location /page.html;"
        f" echo 'red after'; }} location / {{ {FISH} }}",
        get("/s", version="1.0"),
    ),
    "proxied": proxied(FISH, "/page.html", "/fish.txt"),
    "proxied_chunked": proxied(
        f"{FISH} sub_filter_once off;", get("/lua", version="1.0")
    ),
    "proxied_unbuffered": proxied(
        f"{FISH} proxy_buffering off;", get("/lua", version="1.0")
    ),
    "proxied_large": proxied(
        "sub_filter needle pin; sub_filter_once off;",
        get("/large.html", version="1.0"),
    ),
    "proxied_and_gzip": proxied(
        f"{FISH} gzip on; gzip_min_length 1; gzip_vary on;", get("/page.html", GZIP)
    ),
    "logged": case(
        f"{FISH} access_log PREFIX/logs/NAME.log own;", "/page.html", "/fish.txt"
    ),
}  # fmt: skip

PAIR = Pair(
    CASES,
    http="log_format own '$body_bytes_sent $sent_http_content_length';",
    files={
        "html/page.html": PAGE,
        "html/fish.html": PAGE,
        "html/fish.txt": PAGE,
        "html/fish.gif": PAGE,
        "html/utf.html": "É é ẞ ß\n",
        "html/empty.html": "",
        "html/large.html": LARGE,
        "html/packed.html.gz": gzip.compress(PAGE.encode(), mtime=0),
    },
)


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


@pytest.mark.parametrize("flavour", ["lua51", "lua54"])
def test_on_other_flavours(flavour):
    for name in CASES:
        PAIR.check(name, flavour)
