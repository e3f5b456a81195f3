"""What takes its time: timeouts, lingering, limit_rate."""

from __future__ import annotations

import pytest
from conversation import WAIT, get, raw
from directive_pair import Pair, case, sleep

pytestmark = pytest.mark.alone

BODY = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"

READS = "content_by_lua_block { ngx.req.read_body() ngx.say('never') }"

PRINTS = "content_by_lua_block { ngx.print(('x'):rep(3000)) }"

FLOODS = "content_by_lua_block { ngx.print(('x'):rep(2 ^ 24)) }"

#: What a client does that goes on sending when the server has said all.
GOES_ON = (sleep(0.2), b"more", sleep(0.2), b"and more", sleep(0.2), b"and more")

#: The same when the server no longer listens.
LATE = (b"more", sleep(0.1), b"too late", sleep(0.1), b"too late")

LAST = get("/").last()

REFUSED = get("/", "bad header").last()


def timed(conf, *talks, **more):
    return case(conf, *talks, timed=True, **more)


def own(number, conf, *talks, **more):
    """Return a case of what holds for the default server of an address."""
    address = f"127.0.0.1:PORT{number}"
    return timed(conf, *talks, listen=f"listen {address};", to=address, **more)


def line(*pieces):
    return raw("pieces", *pieces)


def slow(conf, target="/"):
    """Return a case of a response of 3000 bytes."""
    return timed(f"location / {{ {conf} {PRINTS} }}", line(get(target).last()))


CASES = {
    # client_header_timeout
    "header_timeout": own(
        2, "client_header_timeout 1s; location / { return 200 ok; }",
        line(b"GET / HTTP/1.1\r\n"), line(b"GET / HT"), line(),
        line(b"GET / HTTP/1.1\r\n", sleep(0.5), b"Host: a\r\n", sleep(0.3),
        b"A: b\r\n"),
        level="info",
    ),
    "header_timeout_second": own(
        3, "client_header_timeout 1s; location / { return 200 ok; }",
        line(get("/").data(), WAIT, sleep(1.5), b"GET / HTTP/1.1\r\n"), level="info",
    ),
    # client_body_timeout
    "body_timeout": timed(
        f"client_body_timeout 1s; location / {{ {READS} }}", line(BODY.encode())
    ),
    "body_timeout_of_location": timed(
        f"location / {{ client_body_timeout 1s; {READS} }}",
        line(BODY.encode(), sleep(0.7), b"d"),
    ),
    "body_timeout_between": timed(
        f"client_body_timeout 1s; location / {{ {READS} }}",
        line(BODY.encode(), sleep(0.7), b"def", sleep(0.7), b"ghij",
             b"GET / HTTP/1.0\r\n\r\n"),
    ),
    # send_timeout: how much has gone by then is the kernel's business
    "send_timeout": timed(
        f"send_timeout 1s; location / {{ access_log logs/NAME.log timing; {FLOODS} }}",
        line(get("/").data(), sleep(2)), level="info", answers=False,
    ),
    "send_timeout_of_location": timed(
        f"location / {{ send_timeout 1s; access_log logs/NAME.log timing; {FLOODS} }}",
        line(get("/").data(), sleep(2)), level="info", answers=False,
    ),
    "send_timeout_of_refused": timed(
        "send_timeout 1s; error_page 400 /e; access_log logs/NAME.log timing;"
        f" location /e {{ {FLOODS} }}", line(REFUSED, sleep(2)), answers=False,
    ),
    # keepalive_timeout
    "keepalive_timeout": timed(
        "keepalive_timeout 1s; location / { return 200 ok; }",
        line(get("/").data()), line(get("/").data(), WAIT, sleep(0.5), get("/").data()),
    ),
    "keepalive_timeout_of_location": timed(
        "keepalive_timeout 5s; location / { keepalive_timeout 1s; return 200 ok; }"
        " location /x { keepalive_timeout 2s; return 200 x; }",
        line(get("/").data(), WAIT, get("/x").data()),
        line(get("/").data()),
    ),
    # lingering_*
    **{
        f"lingering_{mode}": timed(
            f"lingering_close {mode}; location / {{ return 200 ok; }}",
            line(LAST, WAIT, *GOES_ON)
        )
        for mode in ("off", "on", "always")
    },
    "lingering_on_with_more": timed(
        "lingering_close on; location / { return 200 ok; }",
        line(LAST + b"more", WAIT, *GOES_ON)
    ),
    "lingering_always_in_location": timed(
        "lingering_close off; location / { lingering_close always; return 200 ok; }",
        line(LAST, WAIT, *GOES_ON)
    ),
    "lingering_timeout": timed(
        "lingering_close always; lingering_timeout 1s; location / { return 200 ok; }",
        line(LAST, WAIT, sleep(0.7), b"more", sleep(0.7), b"more", sleep(1.2), *LATE),
    ),
    "lingering_time": timed(
        "lingering_close always; lingering_time 1s; location / { return 200 ok; }",
        line(LAST, WAIT, sleep(0.5), b"more", sleep(1.7), *LATE),
    ),
    "lingering_of_unread_body": timed(
        "lingering_timeout 1s; location / { return 200 ok; }",
        line(get("/", "Content-Length: 20").last(), WAIT, *GOES_ON),
    ),
    # limit_rate and limit_rate_after
    "rate": slow("limit_rate 1k;"),
    "rate_after": slow("limit_rate 1k; limit_rate_after 1500;"),
    "rate_off": slow("limit_rate 0;"),
    "rate_variable": slow("limit_rate $arg_r;", "/?r=1k"),
    "rate_variable_bad": slow("limit_rate $arg_r;", "/?r=x"),
    "rate_after_variable": slow("limit_rate 1k; limit_rate_after $arg_a;", "/?a=1k"),
    "rate_set": slow("set $limit_rate 1k;"),
    "rate_set_by_lua": timed(
        "location / { content_by_lua_block { ngx.var.limit_rate = '1k'"
        " ngx.print(('x'):rep(3000)) } }", line(LAST),
    ),
    "rate_set_late": timed(
        "location / { content_by_lua_block { ngx.print(('x'):rep(500)) ngx.flush(true)"
        " ngx.var.limit_rate = 1024 ngx.print(('y'):rep(1500)) } }",
        line(LAST),
    ),
    "rate_of_flushes": timed(
        "location / { limit_rate 1000; content_by_lua_block { for i = 1, 4 do"
        " ngx.print(('x'):rep(500)) ngx.flush(true) end } }", line(LAST),
    ),
    "rate_in_if": timed(
        f"location / {{ if ($arg_x) {{ limit_rate 1k; }} {PRINTS} }}",
        line(get("/?x=1").last()), line(LAST),
    ),
    "rate_inherited": timed(
        f"limit_rate 1k; location / {{ {PRINTS} }}"
        f" location /x {{ limit_rate 0; {PRINTS} }}",
        line(LAST), line(get("/x").last()),
    ),
    "rate_of_file": timed("limit_rate 1k;", line(get("/f.txt").last())),
    "rate_of_return": timed(
        "location / { limit_rate 100; return 200 '0123456789'; }", line(LAST)
    ),
    "rate_of_refused": timed(
        f"limit_rate 1k; error_page 400 /e; location /e {{ {PRINTS} }}", line(REFUSED)
    ),
    "rate_keeps_connection": timed(
        f"location / {{ limit_rate 2k; {PRINTS} }} location /x {{ return 200 x; }}",
        line(get("/").data() + get("/x").last()),
    ),
    "rate_is_seen": timed(
        "location / { limit_rate 3k; access_log logs/NAME.log rate; return 200"
        " $limit_rate; }",
        line(LAST),
    ),
}  # fmt: skip

HTTP = """
log_format timing '$status';
log_format rate '$limit_rate';
"""

PAIR = Pair(CASES, http=HTTP, files={"html/f.txt": "x" * 3000})


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)
