"""The http core module: servers, locations, heads, bodies, error pages."""

from __future__ import annotations

import pytest
from conversation import WAIT, chunked, get, head, in_turn, pipeline, post, raw, request
from directive_pair import Pair, case, sleep

SHOWS = """content_by_lua_block {
    ngx.req.read_body()
    local data, file = ngx.req.get_body_data(), ngx.req.get_body_file()
    ngx.say(data and #data, " ", file and "file", " ", ngx.var.request_body and 1,
            " ", ngx.var.content_length)
}"""

HEADERS = """content_by_lua_block {
    local lines = {}
    for name, value in pairs(ngx.req.get_headers()) do
        if name ~= "host" and name ~= "connection" then
            lines[#lines + 1] = name .. "=" .. tostring(value)
        end
    end
    table.sort(lines)
    ngx.say(table.concat(lines, "|"))
}"""

PRINTS = """content_by_lua_block {
    ngx.print(("x"):rep(100)) ngx.flush() ngx.print(("y"):rep(100))
}"""


def locations(*patterns):
    """Return the inside of a server of locations that tell which one they are."""
    return " ".join(
        f"location {pattern} {{ return 200 '{number} $uri'; }}"
        for number, pattern in enumerate(patterns, 1)
    )


def pages(conf, *talks):
    """Return a case of error pages with a page, and a named one, to go to."""
    return case(
        f"{conf} location /page {{ return 200 'page $uri $status $args'; }}"
        " location @named { return 200 'named $uri'; }", *talks
    )  # fmt: skip


def bodies(directives, *talks):
    return case(f"location / {{ {directives} {SHOWS} }}", *talks)


def on_own_port(number, conf, *talks, options="", **more):
    """Return a case that listens alone, since heads are read before names."""
    return case(
        conf,
        *talks,
        listen=f"listen 127.0.0.1:PORT{number} {options};",
        to=f"127.0.0.1:PORT{number}",
        **more,
    )


BIG = "X: " + "a" * 3000

#: A request after which the connection is open, and a client of HTTP/1.0 that asks
#: for that.
OPEN = get("/").data()
OPEN_10 = b"GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"

#: Tells where the file of the body was, and whether it is there in the next request.
TELLS = """
    local note = io.open("PREFIX/logs/NAME.path", "w")
    note:write(ngx.var.request_body_file) note:close()
"""
LOOKS = """location /look { content_by_lua_block {
    local path = io.open("PREFIX/logs/NAME.path"):read()
    os.remove("PREFIX/logs/NAME.path")
    ngx.say(io.open(path) and "there" or "gone")
} }"""

CASES = {
    # Only access logs in force keep what they name, and "combined" names Referer.
    "headers_read_again": case(
        "location / { content_by_lua_block { local v = ngx.var ngx.say(v.http_referer)"
        " ngx.req.set_header('Referer', 'new') ngx.say(v.http_referer) } }",
        get("/", "Referer: old"),
    ),
    # location
    "prefix": case(locations("/", "/a", "/ab"), "/", "/a", "/abc", "/b", "/a/b"),
    "exact": case(locations("/", "= /a", "/a"), "/a", "/a/", "/ab"),
    "regex": case(locations("/", "~ ^/a.c", "~ c$"), "/abc", "/xc", "/ABC", "/x"),
    "regex_caseless": case(locations("/", "~* ^/a.c"), "/ABC", "/abc", "/x"),
    "regex_order": case(locations("~ b", "~ a", "/ab"), "/ab", "/xa"),
    "no_regex": case(locations("/", "^~ /a", "~ a"), "/ab", "/xa"),
    "no_regex_longer": case(locations("^~ /a", "/ab", "~ b"), "/abc", "/ac"),
    "regex_over_prefix": case(locations("/abc", "~ ^/a"), "/abc"),
    "nested": case(
        "location /a { location /a/b { return 200 inner; } return 200 outer; }",
        "/a", "/a/b", "/a/bc",
    ),
    "nested_regex": case(
        "location /a { location ~ x$ { return 200 inner; } return 200 outer; }"
        " location ~ y$ { return 200 other; }", "/a/x", "/a/y", "/x", "/y",
    ),
    "nested_exact": case(
        "location /a { location = /a/b { return 200 inner; } return 200 outer; }",
        "/a/b", "/a/bc",
    ),
    "nested_in_regex": case(
        "location ~ ^/(a) { location ~ (b)$ { return 200 'inner $1'; }"
        " return 200 'outer $1'; }", "/ab", "/ac",
    ),
    "none": case(locations("/a"), "/b", "/"),
    "modifier_without_space": case("location =/a { return 200 exact; }", "/a", "/ab"),
    "captures": case("location ~ ^/(?<first>.)(.) { return 200 $first$2; }", "/xy"),
    "named": case(
        "location / { error_page 404 = @n; return 404; }"
        " location @n { return 200 named; }", "/", "/@n"
    ),
    "decoded": case(locations("'/a b'", "/"), "/a%20b", "/a+b"),
    "longest": case(
        locations("/images/", "/images/big/", "/"), "/images/big/x", "/images/x"
    ),
    # server and server_name
    "names": on_own_port(
        2, "server_name a.test *.b.test c.* .d.test ~^e(?<n>\\d+) \"\"; location / {"
        " return 200 '$server_name $host $n'; }",
        *(get("/", host=host) for host in (
            "a.test", "A.Test", "x.b.test", "b.test", "c.test", "x.c.test", "d.test",
            "y.d.test", "e12", "zz", "a.test.", "a.test:80",
        )),
    ),
    "no_host": on_own_port(
        4, "location / { return 200 '[$host]'; }", get("/", host=None, version="1.0")
    ),
    # ignore_invalid_headers, underscores_in_headers, merge_slashes
    "invalid_ignored": case(
        f"location / {{ {HEADERS} }}", get("/", "A.b: 1", "C_d: 2", "E: 3")
    ),
    "invalid_kept": on_own_port(
        5, f"ignore_invalid_headers off; location / {{ {HEADERS} }}",
        get("/", "A.b: 1", "C_d: 2", "E: 3"), get("/", "A b: 1"), get("/", "A\x01: 1"),
    ),
    "underscores": on_own_port(
        6, f"underscores_in_headers on; location / {{ {HEADERS} }}",
        get("/", "A_b: 1", "_c: 2", "D.e: 3"),
    ),
    "merge_slashes": case(
        "location / { return 200 $uri; }", "//a///b//", "/a/./b/../c"
    ),
    "merge_slashes_off": on_own_port(
        7, "merge_slashes off; location / { return 200 $uri; }"
        " location /a/b { return 200 'a/b $uri'; }",
        get("//a///b//"), get("/a/./b/../c"), get("/a//b"), get("/a/b//c"),
    ),
    # client_header_buffer_size, large_client_header_buffers
    "big_head": case(
        "location / { return 200 ok; }", get("/", BIG), get("/" + "a" * 9000)
    ),
    "bigger_head": case("location / { return 200 ok; }", get("/", "X: " + "a" * 9000)),
    "small_head": on_own_port(
        8, "client_header_buffer_size 128; large_client_header_buffers 2 600;"
        " location / { return 200 ok; }",
        get("/", "X: " + "a" * 200), get("/" + "a" * 200), get("/", "X: " + "a" * 600),
        get("/" + "a" * 600), get("/", *[f"X{n}: {'a' * 150}" for n in range(4)]),
        get("/", *[f"X{n}: {'a' * 150}" for n in range(12)]),
    ),
    "large_header_buffers": on_own_port(
        9, "client_header_buffer_size 4k; large_client_header_buffers 1 1k;"
        " location / { return 200 ok; }",
        get("/", "X: " + "a" * 3000), get("/", "X: " + "a" * 5000),
    ),
    "many_headers": case(
        "location / { return 200 ok; }",
        get("/", *[f"X{n}: {'a' * 900}" for n in range(50)]),
    ),
    # keepalive_*
    "keepalive": case(
        "location / { return 200 a; }", in_turn(get("/"), get("/"), get("/")),
        raw("kept", OPEN_10, WAIT, get("/", version="1.0").last()),
    ),
    "keepalive_requests": case(
        "keepalive_requests 2; location / { return 200 a; }",
        raw("two", OPEN, WAIT, OPEN, WAIT), pipeline(get("/"), get("/"), get("/")),
    ),
    "keepalive_requests_of_location": case(
        "location / { return 200 a; } location /x { keepalive_requests 1;"
        " return 200 b; }",
        raw("x", get("/x").data()), raw("second", OPEN, WAIT, get("/x").data()),
    ),
    "keepalive_requests_none": case(
        "keepalive_requests 0; location / { return 200 a; }", raw("one", OPEN)
    ),
    "keepalive_timeout_none": case(
        "keepalive_timeout 0; location / { return 200 a; }", raw("one", OPEN)
    ),
    "keepalive_timeout_of_location": case(
        "location / { keepalive_timeout 0; return 200 a; }", raw("one", OPEN)
    ),
    "keepalive_header": case(
        "keepalive_timeout 60s 5s; location / { return 200 a; }",
        in_turn(get("/"), get("/")), get("/", version="1.0"),
        raw("kept", OPEN_10, WAIT, get("/").last()),
    ),
    "keepalive_header_of_location": case(
        "location / { keepalive_timeout 60s 7; return 200 $sent_http_keep_alive; }",
        in_turn(get("/"), get("/")),
    ),
    "keepalive_time": case(
        "keepalive_time 300ms; location / { return 200 a; }",
        raw("young", OPEN, WAIT, get("/").last()),
        raw("old", OPEN, WAIT, sleep(0.4), OPEN),
    ),
    "keepalive_time_of_location": case(
        "location / { return 200 a; } location /x { keepalive_time 300ms;"
        " return 200 x; }",
        raw("old", OPEN, WAIT, sleep(0.4), OPEN, WAIT, get("/x").data()),
    ),
    # client_max_body_size
    "body_too_large": bodies(
        "client_max_body_size 10;", post("/", b"x" * 11), post("/", b"x" * 10)
    ),
    "body_any": bodies("client_max_body_size 0;", post("/", b"x" * 2_000_000)),
    "body_default": case(
        "location / { echo ok; }", post("/", b"x" * 1048577),
        post("/", b"x" * 1048576),
    ),
    "body_chunked_too_large": bodies(
        "client_max_body_size 10;", chunked("/", b"x" * 8, b"y" * 8)
    ),
    "body_in_server": case(
        f"client_max_body_size 5; location / {{ {SHOWS} }}"
        f" location /x {{ client_max_body_size 100; {SHOWS} }}",
        post("/", b"123456"), post("/x", b"123456"),
    ),
    "body_error_page": case(
        "location / { client_max_body_size 5; error_page 413 /e; echo ok; }"
        " location /e { echo too large; }", post("/", b"123456"),
    ),
    "body_unread_too_large": case(
        "location / { client_max_body_size 5; return 200 ok; }", post("/", b"123456")
    ),
    # client_body_buffer_size, client_body_in_file_only, client_body_in_single_buffer
    "body_in_memory": bodies("client_body_buffer_size 100;", post("/", b"x" * 100)),
    "body_in_file": bodies("client_body_buffer_size 100;", post("/", b"x" * 2000)),
    "body_chunked_in_file": bodies(
        "client_body_buffer_size 100;", chunked("/", b"x" * 2000)
    ),
    "body_file_on": bodies(
        "client_body_in_file_only on;", post("/", b"abc"), post("/", b"")
    ),
    "body_file_clean": bodies("client_body_in_file_only clean;", post("/", b"abc")),
    "body_file_chunked": bodies("client_body_in_file_only on;", chunked("/", b"abc")),
    "body_file_off": bodies("client_body_in_file_only off;", post("/", b"abc")),
    **{
        f"body_file_stays_{mode}": case(
            f"location / {{ client_body_in_file_only {mode}; content_by_lua_block {{"
            " ngx.req.read_body() ngx.say(io.open(ngx.req.get_body_file()):read('*a'))"
            f" {TELLS} }} }} {LOOKS}", post("/", b"abc"), "/look",
        )
        for mode in ("on", "clean")
    },
    **{
        f"body_file_of_echo_stays_{mode}": case(
            f"location / {{ client_body_in_file_only {mode}; echo_read_request_body;"
            f" echo ok; log_by_lua_block {{ {TELLS} }} }} {LOOKS}",
            post("/", b"abc"), "/look",
        )
        for mode in ("on", "clean")
    },
    "body_single": bodies(
        "client_body_in_single_buffer on;", post("/", b"abc"),
        chunked("/", b"a" * 100, b"b" * 100),
    ),
    "body_single_is_large": bodies(
        "client_body_in_single_buffer on; client_body_buffer_size 64;",
        post("/", b"x" * 70), post("/", b"x" * 2000),
    ),
    "body_temp_path": case(
        "location / { client_body_temp_path temp/other; client_body_in_file_only on;"
        " content_by_lua_block { ngx.req.read_body()"
        " ngx.say((ngx.req.get_body_file():match('^.*/'))) } }", post("/", b"abc"),
    ),
    "body_echoed": case(
        "location / { echo_read_request_body; echo_request_body; }",
        post("/", b"hello"), chunked("/", b"he", b"llo"),
    ),
    # error_page
    "page": pages("error_page 404 /page; location / { return 404; }"),
    "page_of_file": pages("error_page 404 /f.txt;", "/none"),
    "page_missing": pages("error_page 404 /also-none;", "/none"),
    "page_several": pages("error_page 404 403 /page; location / { return 403; }"),
    "page_status": pages("error_page 404 =200 /page; location / { return 404; }"),
    "page_own_status": pages(
        "error_page 404 = /made; location / { return 404; } "
        "location /made { return 201 x; }"
    ),
    "page_named": pages("error_page 404 @named; location / { return 404; }"),
    "page_named_status": pages(
        "error_page 404 =202 @named; location / { return 404; }"
    ),
    "page_url": pages("error_page 404 http://h/x; location / { return 404; }"),
    "page_url_status": pages(
        "error_page 404 =301 http://h/x; location / { return 404; }"
    ),
    "page_url_other_status": pages(
        "error_page 404 =200 http://h/x; location / { return 404; }"
    ),
    "page_variable": pages(
        "error_page 404 /page$uri; location / { return 404; }", "/z"
    ),
    "page_args": pages(
        "error_page 404 /page?x=1; location / { return 404; }", "/z?y=2"
    ),
    "page_args_variable": pages(
        "error_page 404 /page?x=$arg_y; location / { return 404; }", "/z?y=2"
    ),
    "page_missing_named": pages("error_page 404 @nowhere; location / { return 404; }"),
    "page_inherited": pages("error_page 404 /page; location /x { return 404; }", "/x"),
    "page_replaced": pages(
        "error_page 404 /page; location /x { error_page 403 /page; return 404; }", "/x"
    ),
    "page_in_if": pages(
        "location / { if ($arg_x) { error_page 404 /page; return 404; } return 404; }",
        "/?x=1", "/",
    ),
    "page_of_500": pages(
        "error_page 500 /page; location / { content_by_lua_block { error('x') } }"
    ),
    "page_of_exit": pages(
        "error_page 403 /page; location / { access_by_lua_block { ngx.exit(403) } }"
    ),
    "page_of_201": pages("error_page 300 /page; location / { return 300; }"),
    "page_post": case(
        "error_page 404 /page; location / { return 404; }"
        " location /page { return 200 $request_method; }", post("/", b"abc"),
    ),
    "page_head": pages("error_page 404 /page; location / { return 404; }", head("/")),
    "page_method": case(
        "error_page 405 /m; location / { } location /m { return 200 $request_method; }",
        request("PUT", "/", "Content-Length: 0"),
    ),
    "page_400": pages("error_page 400 /page;", get("/", "bad header")),
    "page_494": on_own_port(
        3, "error_page 494 /page; large_client_header_buffers 2 1k;"
        " location /page { return 200 page; } location / { return 200 ok; }",
        get("/", BIG), get("/"),
    ),
    "page_redirects": pages("error_page 302 /page; location / { return 302 /x; }"),
    "page_of_page": case(
        "error_page 404 /a; location / { return 404; }"
        " location /a { error_page 403 /b; return 403; } location /b { return 200 b; }"
    ),
    "recursive": case(
        "recursive_error_pages on; error_page 404 /a; location / { return 404; }"
        " location /a { error_page 403 /b; return 403; } location /b { return 200 b; }"
    ),
    "recursive_cycle": case(
        "recursive_error_pages on; error_page 404 /a; location / { return 404; }"
    ),
    "recursive_in_location": case(
        "error_page 404 /a; location / { recursive_error_pages on; return 404; }"
        " location /a { error_page 403 /b; return 403; } location /b { return 200 b; }"
    ),
    "recursive_in_page": case(
        "error_page 404 /a; location / { return 404; } location /a {"
        " recursive_error_pages on; error_page 403 /b; return 403; }"
        " location /b { return 200 b; }"
    ),
    "recursive_named": case(
        "recursive_error_pages on; location / { error_page 404 = @a; return 404; }"
        " location @a { error_page 403 = @b; return 403; } "
        "location @b { return 200 b; }"
    ),
    # server_tokens
    "tokens_on": case("server_tokens on; location / { return 404; }"),
    "tokens_off": case("server_tokens off; location / { return 404; }"),
    "tokens_in_location": case("location / { server_tokens off; return 404; }"),
    # chunked_transfer_encoding
    "chunked_off": case(
        "chunked_transfer_encoding off; location / { echo a; }",
        raw("keep-alive", OPEN), get("/"), head("/"),
    ),
    "chunked_off_in_location": case(
        "location / { chunked_transfer_encoding off; echo a; } location /x { echo x; }",
        "/", "/x",
    ),
    "chunked_off_counted": case(
        "chunked_transfer_encoding off; location / { return 200 a; }",
        in_turn(get("/"), get("/")),
    ),
    "chunked_off_in_lua": case(
        "chunked_transfer_encoding off; location / { content_by_lua_block {"
        " ngx.say(1) ngx.flush(true) ngx.say(2) } }", raw("keep-alive", OPEN),
    ),
    # postpone_output
    "postpone": case(f"location / {{ {PRINTS} }}"),
    "postpone_none": case(f"postpone_output 0; location / {{ {PRINTS} }}"),
    "postpone_little": case(
        "postpone_output 10; location / { content_by_lua_block {"
        " for i = 1, 5 do ngx.print('abcdef') end } }"
    ),
    "postpone_lost": case(
        "location / { content_by_lua_block { ngx.print('abc') ngx.exit(444) } }"
    ),
    "postpone_not_lost": case(
        "postpone_output 1; location / { content_by_lua_block { ngx.print('abc')"
        " ngx.exit(444) } }"
    ),
    # tcp_nodelay
    "nodelay_on": case(
        "tcp_nodelay on; location / { return 200 a; }", in_turn(get("/"), get("/"))
    ),
    "nodelay_off": case(
        "tcp_nodelay off; location / { return 200 a; }", in_turn(get("/"), get("/"))
    ),
    # internal and satisfy are in test_directives_access
}  # fmt: skip

PAIR = Pair(CASES, files={"html/f.txt": "file\n"})


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
