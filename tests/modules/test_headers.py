"""add_header and expires against the real nginx."""

from __future__ import annotations

import datetime

import pytest
from module_pair import MTIME, Case, Pair, directives_of, each_flavour

FILE = "GET /f.txt HTTP/1.1"
NOW = "location / { return 200; }"

SAFE = (200, 201, 204, 206, 301, 302, 303, 304, 307, 308)
OTHERS = (202, 203, 205, 300, 400, 403, 404, 500, 503)


def lua(directives, code="", *args):
    """Return a case of a Lua handler."""
    return Case(
        f"location / {{ {directives} content_by_lua_block {{ {code} ngx.say(1) }} }}",
        *args,
    )


def expires(text, head=FILE):
    """Return a case of ``expires`` for a file."""
    return Case(f"expires {text};", head)


CASES = {
    # add_header
    "add": Case(f"add_header X-A 1; add_header x-a $uri; add_header B ''; {NOW}"),
    "add_trailer": Case(f"add_trailer X-A 1; {NOW}"),
    "add_without_value": Case(f"add_header X $arg_none; {NOW}"),
    "add_with_line_break": Case(
        "location / { set_by_lua_block $v { return 'a\\nb: c' } add_header X $v;"
        " return 200; }"
    ),
    "add_inherited": Case(
        "add_header A server; location / { add_header B location; return 200; }"
    ),
    "add_inherited_where_none_is": Case(f"add_header A server; {NOW}"),
    "add_in_if": Case(
        "location / { add_header A location; if ($arg_x) { add_header B if; }"
        " return 200; }", "GET /?x=1 HTTP/1.1",
    ),
    "add_of_status": Case(f"add_header S $status; add_header T $sent_http_s; {NOW}"),
    "add_to_header_of_lua": lua("add_header X nginx;", "ngx.header.x = 'lua'"),
    "add_cache_control": lua(
        "add_header Cache-Control a; add_header cache-control b;",
        "ngx.header.cache_control = 'lua'",
    ),
    "add_link": lua("add_header Link a; add_header Link b;", "ngx.header.link = 'lua'"),
    "add_server": Case(f"add_header Server me; {NOW}"),
    "add_content_type": Case(f"add_header Content-Type a/b; {NOW}"),
    "add_last_modified": Case("add_header last-modified x;", FILE),
    "add_last_modified_date": Case(
        "add_header Last-Modified 'Sat, 02 Mar 2024 12:00:00 GMT';"
        "expires modified 1h;", FILE,
    ),
    "add_no_last_modified": Case("add_header Last-Modified '';", FILE),
    "add_etag": Case("add_header etag x;", FILE),
    "add_no_etag": Case("add_header ETag $arg_none;", FILE),
    "add_etag_to_lua": lua("add_header ETag x; add_header ETag y;"),
    "add_to_http_1_0": Case(f"add_header A b; {NOW}", "GET / HTTP/1.0"),
    "add_to_head": Case("add_header A b;", "HEAD /f.txt HTTP/1.1"),
    "add_to_not_modified": Case(
        "add_header A b;", f"{FILE}\nIf-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"
    ),
    "add_to_range": Case("add_header A b;", f"{FILE}\nRange: bytes=1-2"),
    "add_to_subrequest": Case(
        "location / { add_header A $uri; echo_location /sub; }"
        "location /sub { add_header B $uri; echo sub; }"
    ),
    "add_to_error_page": Case(
        "error_page 404 /page; location / { add_header A b; return 404; }"
        "location /page { add_header C d; add_header E f always; return 200 page; }"
    ),
    "add_after_redirect": Case(
        "location / { add_header A b; echo_exec /b; }"
        "location /b { add_header C d; echo b; }"
    ),
    **{
        f"add_to_{status}": Case(
            f"add_header A b; add_header C d always; expires 1h;"
            f"location / {{ return {status}; }}"
        )
        for status in SAFE + OTHERS
        if status not in (206, 301, 302, 303, 304, 307, 308)
    },
    **{
        f"add_to_{status}": lua(
            "add_header A b; add_header C d always; expires 1h;",
            f"ngx.status = {status}",
        )
        for status in (206, 301, 302, 303, 304, 307, 308)
    },
    # expires
    "expires_epoch": expires("epoch"),
    "expires_max": expires("max"),
    "expires_off": expires("off"),
    "expires_now": expires("0"),
    "expires_in_an_hour": expires("1h"),
    "expires_signed": expires("+1d"),
    "expires_in_parts": expires("1y2M3w4d5h6m7s"),
    "expires_an_hour_ago": expires("-1h"),
    "expires_after_modification": expires("modified +10y"),
    "expires_long_after_modification": expires("modified 100d"),
    "expires_before_modification": expires("modified -1h"),
    "expires_at_modification": expires("modified 0"),
    "expires_after_no_modification": lua("expires modified 1h;"),
    "expires_after_modification_of_lua": lua(
        "expires modified 1h;",
        "ngx.header.last_modified = 'Fri, 01 Mar 2024 12:00:00 GMT'",
    ),
    "expires_inherited": Case(
        "expires 1h; location / { expires off; } location /f { }", FILE
    ),
    "expires_turned_off": Case("expires 1h; location / { expires off; }", FILE),
    "expires_in_if": Case(
        "location / { expires 1h; if ($arg_x) { expires 2h; } }",
        "GET /f.txt?x=1 HTTP/1.1",
    ),
    "expires_over_those_of_lua": lua(
        "expires 1h;", "ngx.header.expires = 'never'"
        " ngx.header.cache_control = {'a', 'b'}",
    ),
    "expires_and_add_header": Case(
        "expires 1h; add_header Cache-Control public; add_header Expires x;", FILE
    ),
    "expires_of_a_missing_file": expires("1h", "GET /none HTTP/1.1"),
    "expires_of_not_modified": expires(
        "1h", f"{FILE}\nIf-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"
    ),
    **{
        f"expires_variable_{number}": Case(f'set $e "{text}"; expires $e;', FILE)
        for number, text in enumerate(
            ["epoch", "max", "off", "1h", "-1h", "+1h 30m", "0", "", "x", "1x", "1ms",
             "@25h", "1y1M1w1d1h1m1s", "1m1h", " 1h", "5s 3", "90", "-", "@",
             "99999999999999999999"]
        )
    },
    **{
        f"expires_modified_variable_{number}": Case(
            f"set $e {text}; expires modified $e;", FILE
        )
        for number, text in enumerate(["epoch", "10y", "-1h", "@1h", "0"])
    },
    "expires_by_map": Case("expires $by_type;", FILE),
    "expires_by_map_of_another": Case(
        "location / { expires $by_type; default_type text/html; return 200 a; }"
    ),
}  # fmt: skip

HTTP = """
map $sent_http_content_type $by_type {
    default off;
    text/plain 1h;
}
"""

PAIR = Pair(CASES, http=HTTP, files={"f.txt": b"file\n"})


@each_flavour
@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name, flavour):
    assert PAIR.actual(name, flavour) == PAIR.expected(name)


TIMES = ["0", "1h", "12h", "23h59m59s", "24h", "13h30m"]

DAILY = {
    f"daily_{number}_{kind}": Case(directive.replace("TIME", text), FILE)
    for number, text in enumerate(TIMES)
    for kind, directive in {
        "constant": "expires @TIME;",
        "variable": 'set $e "@TIME"; expires $e;',
    }.items()
}

DAILY_PAIR = Pair(DAILY, files={"f.txt": b"file\n"})


@pytest.mark.parametrize("name", DAILY)
def test_time_of_day(name):
    """It is that of the next day where it is past; a second may pass between."""
    expected, actual = (
        int(answer.values("Cache-Control")[0].removeprefix("max-age="))
        for answer in (DAILY_PAIR.expected(name), DAILY_PAIR.actual(name))
    )
    assert -30 < actual - expected <= 0 or actual - expected > 86_000
    (when,) = DAILY_PAIR.actual(name).values("Expires")
    assert when == f"now+{actual}"


def test_time_of_the_files():
    modified = datetime.datetime.fromtimestamp(MTIME, datetime.UTC)
    assert modified.strftime("%a, %d %b %Y %H:%M:%S GMT") in (
        "Fri, 01 Mar 2024 12:00:00 GMT"
    )


def test_every_directive_has_a_case():
    text = " ".join(case.conf for case in CASES.values())
    names = directives_of("ngx_http_headers_filter_module")
    assert [name for name in names if f"{name} " not in text] == []
