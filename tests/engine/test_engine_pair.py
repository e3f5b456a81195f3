"""Corners of the request engine against the real nginx."""

from __future__ import annotations

import pytest
from module_pair import Case, Pair

BODY = b"x" * 20
EXPECT = "POST / HTTP/1.1\nExpect: 100-continue"

WAIT = (
    "local s = require 'ngx.semaphore'.new(1)"
    "local ok, err = s:wait(0) ngx.log(ngx.WARN, tostring(ok), ' ', err)"
)


def late(hook, code):
    """Return a case of a handler that cannot wait."""
    return Case(f"location / {{ {hook}_by_lua_block {{ {code} }} echo hello; }}")


CASES = {
    # A body that is too large is told once: its error page may be anywhere.
    "too_large_page": Case(
        "client_max_body_size 10; error_page 413 /page;"
        "location /page { echo page $status; }",
        "POST / HTTP/1.1",
        BODY,
    ),
    "too_large_named_page": Case(
        "client_max_body_size 10; error_page 413 = @page; location @page {"
        " content_by_lua_block { ngx.req.read_body()"
        " ngx.say('page ', ngx.req.get_body_data()) } }",
        "POST / HTTP/1.1",
        BODY,
    ),
    # $request_method is the client's.
    "method_in_subrequest": Case(
        "location / { content_by_lua_block { ngx.print(ngx.location.capture('/sub',"
        " {method = ngx.HTTP_PUT}).body) } }"
        "location /sub { echo $request_method $echo_request_method; }"
    ),
    "method_in_error_page_of_subrequest": Case(
        "error_page 404 /page; location / { echo_location /none; }"
        "location /page { return 200 $request_method; }",
        "POST / HTTP/1.1",
        BODY,
    ),
    "method_in_error_page": Case(
        "error_page 404 /page; location / { return 404; }"
        "location /page { return 200 $request_method; }",
        "POST / HTTP/1.1",
        BODY,
    ),
    # ngx.OK in a header filter
    "exit_ok_in_header_filter": late("header_filter", "ngx.exit(ngx.OK)"),
    **{
        f"exit_{code}_in_header_filter": late("header_filter", f"ngx.exit({code})")
        for code in (200, 201, 204, 301, 404, 500)
    },
    # Semaphores where nothing can wait
    "semaphore_in_header_filter": late("header_filter", WAIT),
    "semaphore_in_body_filter": late("body_filter", WAIT),
    "semaphore_in_set": Case(
        f"location / {{ set_by_lua_block $v {{ {WAIT} return 1 }} echo $v; }}"
    ),
    # What is no text is an error without a reason, and without a traceback.
    **{
        f"error_of_{kind}_in_{hook}": late(hook, f"error({value})")
        for hook in ("header_filter", "body_filter", "log")
        for kind, value in {"nil": "nil", "table": "{}", "number": "5"}.items()
    },
}

INVITED = {
    "return": Case("return 200 ok;", EXPECT, BODY),
    "return_nothing": Case("location / { return 204; }", EXPECT, BODY),
    "return_redirect": Case("location / { return 301 /x; }", EXPECT, BODY),
    "return_error": Case("location / { return 404; }", EXPECT, BODY),
    "file": Case("", EXPECT.replace("POST / ", "GET /f.txt "), BODY),
    "error_page": Case(
        "error_page 404 /page; location / { return 404; }"
        "location /page { content_by_lua_block { ngx.req.read_body() ngx.say(1) } }",
        EXPECT,
        BODY,
    ),
    "error_page_of_its_own_status": Case(
        "error_page 404 = /page; location / { return 404; }"
        "location /page { content_by_lua_block { ngx.req.read_body() ngx.say(1) } }",
        EXPECT,
        BODY,
    ),
}

PAIR = Pair({**CASES, **INVITED}, files={"f.txt": b"file\n"})


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    assert PAIR.actual(name) == PAIR.expected(name)


@pytest.mark.parametrize("name", INVITED)
def test_who_is_invited_to_send_the_body(name):
    assert PAIR.actual(name).head[0] == PAIR.expected(name).head[0]
