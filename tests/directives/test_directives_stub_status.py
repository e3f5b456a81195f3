"""How busy the server is: the stub_status module."""

from __future__ import annotations

import pytest
from conversation import get, head, in_turn, post
from directive_pair import Pair, case

NUMBERS = (
    "$connections_active $connections_reading $connections_writing $connections_waiting"
)

CASES = {
    "page": case("location / { stub_status; }", "/", "/x?y=z"),
    "old_argument": case("location / { stub_status on; }"),
    "of_a_server": case("stub_status;", "/", "/x"),
    "not_in_a_location": case("stub_status; location / { return 404; }"),
    "head": case("location / { stub_status; }", head("/")),
    "post": case("location / { stub_status; }", post("/", b"x")),
    "other_method": case(
        "location / { stub_status; }", get("/"), post("/", b"x", method="PUT")
    ),
    "http_1_0": case("location / { stub_status; }", get("/", version="1.0")),
    "body": case("location / { stub_status; }", post("/", b"x", method="GET")),
    "default_type": case(
        "default_type a/b; types { a/c html; } location / { stub_status; }", "/x.html"
    ),
    "denied": case("location / { stub_status; deny all; }"),
    "on_one_connection": case(
        "location / { stub_status; }", in_turn(get("/"), get("/"))
    ),
    "last_handler": case(
        "location /a { echo a; stub_status; } location /b { stub_status; echo b; }",
        "/a", "/b",
    ),
    "filtered": case("location / { stub_status; echo_before_body a; }"),
    "captured": case(
        "location / { content_by_lua_block {"
        " local res = ngx.location.capture('/s') ngx.say(res.status, res.body) } }"
        " location /s { stub_status; }"
    ),
    "variables": case(f"location / {{ return 200 '{NUMBERS}'; }}"),
    "in_log": case(
        "access_log logs/NAME.log by_status; location / { return 200; }"
    ),
}  # fmt: skip

PAIR = Pair(CASES, http=f"log_format by_status '{NUMBERS}';")


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
