"""The headers-more module against the real one, directive by directive."""

from __future__ import annotations

import pytest
from module_pair import Case, Pair, directives_of, each_flavour

FILE = "GET /f.txt HTTP/1.1"
POST = "POST / HTTP/1.1"


def echo(directives, *args):
    """Return a case of a location that echoes."""
    return Case(f"location / {{ {directives} echo hi; }}", *args)


def show(directives, *args):
    """Return a case that shows the request headers that Lua sees."""
    lua = (
        "local names, all = {}, ngx.req.get_headers(0, true)"
        " for name in pairs(all) do names[#names + 1] = name end table.sort(names)"
        " for _, name in ipairs(names) do local value = all[name]"
        " ngx.say(name, ': ', type(value) == 'table' and table.concat(value, '|')"
        " or value) end"
    )
    return Case(
        f"location / {{ {directives} content_by_lua_block {{ {lua} }} }}", *args
    )


CASES = {
    # more_set_headers
    "set": echo("more_set_headers 'X-A: 1' 'x-b:2' 'C    three';"),
    "set_with_variables": echo("more_set_headers 'X-A: $uri $arg_x';",
                               "GET /u?x=1 HTTP/1.1"),
    "set_with_line_break": echo(
        "set_by_lua_block $v { return 'a\\nb: c' } more_set_headers 'X: $v';"
    ),
    "set_twice": echo("more_set_headers 'X-A: 1'; more_set_headers 'x-a: 2' 'Y: 3';"),
    "set_to_nothing": echo(
        "more_set_headers 'A: b' 'C: d' 'E: f'; more_set_headers 'A:' C 'E: $arg_none';"
    ),
    "set_server": echo("more_set_headers 'server: me';"),
    "set_date": echo("more_set_headers 'date: today';"),
    "set_content_type": echo("more_set_headers 'content-type: text/x; charset=y';"),
    "set_content_length": echo("more_set_headers 'Content-Length: 3';"),
    "set_content_length_to_text": echo("more_set_headers 'Content-Length: x';"),
    "set_last_modified": Case("more_set_headers 'last-modified: x';", FILE),
    "set_etag": Case("more_set_headers 'etag: x';", FILE),
    "set_cache_control": echo("more_set_headers 'cache-control: a';"),
    "set_cache_control_again": Case(
        "location / { more_set_headers 'Cache-Control: c'; content_by_lua_block {"
        "ngx.header.cache_control = {'a', 'b'} ngx.say(1) } }"
    ),
    "set_accept_ranges": Case("more_set_headers 'accept-ranges: none';", FILE),
    "set_builtin_twice": echo(
        "more_set_headers 'WWW-Authenticate: x' 'Expires: a' 'Refresh: a'"
        " 'Content-Encoding: a' 'Content-Range: a';"
        "more_set_headers 'www-authenticate: y' 'expires: b' 'refresh: b'"
        " 'content-encoding: b' 'content-range: b';"
    ),
    "set_location": echo("more_set_headers 'Location: /x';"),
    "set_location_elsewhere": echo("more_set_headers 'Location: http://x.com/';"),
    "set_location_of_redirect": Case(
        "more_set_headers 'location: /y' 'X: 1'; return 302 /x;"
    ),
    "set_location_of_directory": Case(
        "more_set_headers 'Location: /z';", "GET /dir HTTP/1.1"
    ),
    "set_for_status": Case(
        "location / { more_set_headers -s '404 500' 'A: b'; more_set_headers -s 404 -s "
        "200 'C: d'; more_set_headers -s 200 'E: f'; more_clear_headers -s 404 A; }",
        "GET /none HTTP/1.1",
    ),
    "set_for_type": Case(
        "location / { more_set_headers -t 'text/html text/plain' 'A: b';"
        "more_set_headers -t text/plain; more_set_headers -t text/htm 'E: f'; }", FILE,
    ),
    "set_for_type_with_charset": Case(
        "location / { more_set_headers -t 'text/html;text/plain' 'A: b';"
        "content_by_lua_block { ngx.header.content_type = 'text/html; charset=x'"
        "ngx.say(1) } }"
    ),
    "set_for_status_and_type": Case(
        "location / { more_set_headers -s '404 500' 'A: b' -t text/html 'C: d';"
        "more_set_headers -s 404 -t text/plain 'E: f'; }", "GET /none HTTP/1.1",
    ),
    "set_wildcard": echo("more_set_headers 'X-A: 1' 'X-b: 2' 'Y: 3' 'x-*: 4';"),
    "set_wildcard_of_nothing": echo("more_set_headers 'x-*: v';"),
    "set_inherited": Case(
        "more_set_headers 'A: s' 'B: s';"
        "location / { more_set_headers 'B: l' 'C: $uri';"
        "location /f { more_set_headers 'A: f'; echo 2; } }", "GET /f HTTP/1.1",
    ),
    "set_in_if": echo(
        "if ($arg_x) { more_set_headers 'A: if'; } more_set_headers 'A: l';",
        "GET /?x=1 HTTP/1.1",
    ),
    "set_to_http_1_0": echo("more_set_headers 'A: b';", "GET / HTTP/1.0"),
    "set_for_error": Case(
        "more_set_headers 'A: b'; location / { return 404; }"
    ),
    "set_for_error_page": Case(
        "more_set_headers 'A: $uri'; error_page 404 /page; location /page { "
        "internal; more_set_headers 'B: c'; echo page; } location / { return 404; }"
    ),
    # more_clear_headers
    "clear": echo(
        "more_set_headers 'A: b' 'C: d' 'E: f'; more_clear_headers a 'C: foo' Z;"
    ),
    "clear_server": echo("more_clear_headers Server;"),
    "clear_date": echo("more_clear_headers Date;"),
    "clear_server_that_was_set": echo(
        "more_set_headers 'Server: a'; more_clear_headers Server;"
    ),
    "clear_server_and_set_it": echo(
        "more_clear_headers Server; more_set_headers 'Server: a';"
    ),
    "clear_content_type": echo("more_clear_headers Content-Type;"),
    "clear_content_length": Case(
        "more_clear_headers Content-Length; location / { return 200 hello; }"
    ),
    "clear_content_length_of_lua": Case(
        "location / { more_clear_headers Content-Length; content_by_lua_block {"
        "ngx.header.content_length = 3 ngx.print('abc') } }"
    ),
    "clear_last_modified": Case("more_clear_headers Last-Modified;", FILE),
    "clear_etag": Case("more_clear_headers ETag;", FILE),
    "clear_accept_ranges": Case("more_clear_headers Accept-Ranges;", FILE),
    "clear_accept_ranges_of_range": Case(
        "more_clear_headers Accept-Ranges;", f"{FILE}\nRange: bytes=1-2"
    ),
    "clear_cache_control": echo("more_clear_headers Cache-Control;"),
    "clear_cache_control_of_lua": Case(
        "location / { more_clear_headers Cache-Control; content_by_lua_block {"
        "ngx.header.cache_control = {'a', 'b'} ngx.say(1) } }"
    ),
    "clear_location": Case("more_clear_headers Location; return 302 /x;"),
    "clear_location_of_directory": Case(
        "more_clear_headers Location;", "GET /dir HTTP/1.1"
    ),
    "clear_wildcard": echo(
        "add_header Late 1; more_set_headers 'X-A: 1' 'X-b: 2' 'Y: 3' 'x-: 4' 'x: 5';"
        "more_clear_headers 'x-*';"
    ),
    "clear_wildcard_of_file": Case("more_clear_headers 'l*' 'e*' 'c*';", FILE),
    "clear_for_type": Case("more_clear_headers -t text/plain ETag;", FILE),
    # beside other filters
    "after_header_filter": echo(
        "header_filter_by_lua_block { ngx.header.y = tostring(ngx.header.x)"
        " ngx.header.x = 'lua' ngx.header.z = 'lua' }"
        "more_set_headers 'X: more'; more_clear_headers Z; add_header X add;"
    ),
    "before_expires": echo("more_set_headers 'Cache-Control: a'; expires 1h;"),
    # more_set_input_headers
    "input": show(
        "more_set_input_headers 'X: new' 'Y: $http_z' 'B:  2 ';",
        "GET / HTTP/1.1\nX: old\nZ: z",
    ),
    "input_of_several": show(
        "more_set_input_headers 'X: new';", "GET / HTTP/1.1\nx: old\nX: older"
    ),
    "input_to_nothing": show(
        "more_set_input_headers 'X: $arg_none' 'Y:';", "GET / HTTP/1.1\nX: old\nY: old"
    ),
    "input_host": echo(
        "more_set_input_headers 'Host: EX.com:80'; echo $host $http_host;"
    ),
    "input_host_that_is_none": echo("more_set_input_headers 'Host: a/b';"),
    "input_content_length_that_is_none": echo(
        "more_set_input_headers 'Content-Length: x';"
    ),
    "input_cookie": show(
        "more_set_input_headers 'Cookie: a=9';",
        "GET / HTTP/1.1\nCookie: a=1\nCookie: a=2",
    ),
    "input_forwarded": show(
        "more_set_input_headers 'X-Forwarded-For: 9';",
        "GET / HTTP/1.1\nX-Forwarded-For: 1\nX-Forwarded-For: 2",
    ),
    "input_connection": show("more_set_input_headers 'Connection: foo';"),
    "input_user_agent": show(
        "more_set_input_headers 'User-Agent: z';", "GET / HTTP/1.1\nUser-Agent: old"
    ),
    "input_replaces": show(
        "more_set_input_headers -r 'X: 5' 'Y: 6';", "GET / HTTP/1.1\nX: old"
    ),
    "input_for_type": show(
        "more_set_input_headers -t 'text/plain a/b' 'X: 5';"
        "more_set_input_headers -t 'text/plain' 'Y: 5';",
        "GET / HTTP/1.1\nContent-Type: a/b",
    ),
    "input_for_type_with_charset": show(
        "more_set_input_headers -t a/b 'X: 5';",
        "GET / HTTP/1.1\nContent-Type: a/b; charset=x",
    ),
    "input_for_type_without_one": show("more_set_input_headers -t a/b 'X: 5';"),
    "input_wildcard": show(
        "more_set_input_headers 'X-*: 5';", "GET / HTTP/1.1\nX-A: old"
    ),
    "input_inherited": Case(
        "more_set_input_headers 'X: s' 'Y: s'; location / { "
        "more_set_input_headers 'Y: l'; echo $http_x $http_y; }"
    ),
    "input_to_http_1_0": echo(
        "more_set_input_headers 'X: 5'; echo $http_x;", "GET / HTTP/1.0"
    ),
    "input_after_rewrite": echo(
        "more_set_input_headers 'X: new';"
        "rewrite_by_lua_block { ngx.header.seen = ngx.var.http_x }"
        "access_by_lua_block { ngx.header.then_seen = ngx.req.get_headers().x }",
        "GET / HTTP/1.1\nX: old",
    ),
    # more_clear_input_headers
    "input_cleared": show(
        "more_clear_input_headers X y 'Z: z';",
        "GET / HTTP/1.1\nX: old\nX: older\nY: 1\nZ: 2\nA: 3",
    ),
    "input_cleared_by_wildcard": show(
        "more_clear_input_headers 'X-*';",
        "GET / HTTP/1.1\nX-A: old\nx-b: older\nXa: 1\nx-: 2",
    ),
    "input_cleared_for_type": show(
        "more_clear_input_headers -t a/b X; more_clear_input_headers -t c/d Y;",
        "GET / HTTP/1.1\nContent-Type: a/b\nX: 1\nY: 2",
    ),
    "input_cleared_host": echo("more_clear_input_headers Host; echo [$http_host];"),
}  # fmt: skip

PAIR = Pair(CASES, files={"f.txt": b"file\n", "dir/index.html": b"index\n"})


@each_flavour
@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name, flavour):
    assert PAIR.actual(name, flavour) == PAIR.expected(name)


def test_every_directive_has_a_case():
    text = " ".join(case.conf for case in CASES.values())
    names = directives_of("ngx_http_headers_more_filter_module")
    assert [name for name in names if f"{name} " not in text] == []
