"""How many requests may be served at once: the limit_conn module."""

from __future__ import annotations

import pytest
from conversation import Case as Talk
from conversation import get, head, pipeline, post
from directive_pair import SHUT, Pair, case, sleep

#: Zones whose keys tell cases apart.
ZONES = """
limit_conn_zone $server_name zone=all:64k;
limit_conn_zone $server_name$arg_k zone=other:64k;
limit_conn_zone $arg_k zone=args:64k;
large_client_header_buffers 4 8k;
log_format limited '$uri $status $limit_conn_status';
"""

LOG = "access_log logs/NAME.log limited;"

#: How long a request takes, and what is said while it does.
SLOW = "echo_sleep 0.8; echo $limit_conn_status;"


def later(seconds, one="/"):
    """Return a request that comes later."""
    one = get(one) if isinstance(one, str) else one
    return Talk("later", (sleep(seconds), one.last()))


def at_once(*targets):
    """Return requests that come one after the other while the first takes its time."""
    return tuple(later(0.1 * (n + 1), one) for n, one in enumerate(targets))


def limited(limits, *talks, more="", level="info", slow=SLOW, **options):
    """Return a case of a location with limits."""
    return case(
        f"{LOG} location / {{ {limits} {more} {slow} }}",
        *(talks or at_once("/", "/", "/")),
        level=level, timed=True, **options,
    )  # fmt: skip


CASES = {
    "one": limited("limit_conn all 1;"),
    "two": limited("limit_conn all 2;"),
    "three": limited("limit_conn all 65535;"),
    "over_again": limited("limit_conn all 1;", *at_once("/", "/"), later(1.3)),
    "in_turn": limited(
        "limit_conn all 1;", pipeline(get("/"), get("/"), post("/", b"x"), head("/")),
        slow="echo $limit_conn_status;",
    ),
    "status": limited("limit_conn all 1; limit_conn_status 429;"),
    "status_444": limited("limit_conn all 1; limit_conn_status 444;"),
    "dry_run": limited("limit_conn all 1; limit_conn_dry_run on;"),
    **{
        f"level_{level}": limited(
            f"limit_conn all 1; limit_conn_log_level {level};", level="info")
        for level in ("info", "notice", "warn", "error")
    },
    "page": case(
        f"{LOG} error_page 503 /e; location / {{ limit_conn all 1; {SLOW} }}"
        " location /e { limit_conn other 1; echo e $limit_conn_status; }",
        *at_once("/", "/", "/"), timed=True,
    ),
    "inherited": case(
        f"{LOG} limit_conn all 1; location / {{ {SLOW} }}"
        f" location /own {{ limit_conn other 2; {SLOW} }}",
        *at_once("/", "/", "/own", "/own", "/own"), timed=True,
    ),
    "keys": limited(
        "limit_conn other 1;", *at_once("/?k=a", "/?k=b", "/?k=a", "/?k=b")),
    "no_key": limited("limit_conn args 1;"),
    "both": limited(
        "limit_conn all 2; limit_conn other 1;",
        *at_once("/?k=a", "/?k=a", "/?k=b", "/?k=c")),
    "both_back": limited(
        "limit_conn all 3; limit_conn other 1;",
        *at_once("/?k=a", "/?k=a", "/?k=a", "/?k=b", "/?k=c", "/?k=d")),
    "both_without_key": limited(
        "limit_conn args 1; limit_conn all 1;", *at_once("/", "/?k=both")),
    "redirected": case(
        f"{LOG} location / {{ limit_conn all 1; try_files /none /b; }}"
        f" location /b {{ limit_conn other 1; {SLOW} }}",
        *at_once("/", "/b", "/", "/b"), timed=True,
    ),
    "subrequest": case(
        f"{LOG} location / {{ content_by_lua_block {{"
        " local res = ngx.location.capture('/in') ngx.say(res.status, ' ', res.body,"
        " ngx.var.limit_conn_status) ngx.sleep(0.5) } }"
        " location /in { limit_conn all 1; echo in $limit_conn_status; }",
        *at_once("/", "/", "/"), timed=True,
    ),
    "subrequests": case(
        f"{LOG} log_subrequest on; location / {{ echo_sleep 0.4; echo_location /in;"
        " echo_location /in; echo $limit_conn_status; }"
        " location /in { limit_conn all 1; echo in; }",
        *at_once("/", "/"), timed=True,
    ),
    "lua": limited(
        "limit_conn all 1;",
        slow="access_by_lua_block { ngx.log(ngx.WARN, ngx.var.limit_conn_status) }"
        " content_by_lua_block { ngx.say('a') ngx.flush(true) ngx.sleep(0.6)"
        " ngx.exit(ngx.ERROR) } log_by_lua_block {"
        " ngx.log(ngx.WARN, ngx.var.limit_conn_status) }",
    ),
    "after_eof": limited(
        "limit_conn all 1;", *at_once("/", "/"), later(0.9),
        slow="content_by_lua_block { ngx.say('a') ngx.eof() ngx.sleep(0.6) }",
    ),
    "gone": limited(
        "limit_conn all 1;",
        Talk("gone", (get("/").data(), sleep(0.2), SHUT)), later(0.1), later(0.4),
        more="lua_check_client_abort on;",
        slow="content_by_lua_block { ngx.sleep(0.8) ngx.say('ok') }", level="error",
    ),
    "gone_unnoticed": limited(
        "limit_conn all 1;",
        Talk("gone", (get("/").data(), sleep(0.2), SHUT)), later(0.4), later(1.0),
        slow="content_by_lua_block { ngx.sleep(0.8) ngx.say('ok') }", level="error",
    ),
    "refused_later": limited(
        "limit_conn all 1;", *at_once("/", "/"), later(1.0), more="deny all;"),
    "requests_too": case(
        f"{LOG} location / {{ limit_conn all 1; limit_req zone=slow; {SLOW} }}",
        *at_once("/", "/", "/"), timed=True, level="crit",
    ),
    "long_key": limited(
        "limit_conn args 1;",
        *at_once("/?k=" + "a" * 255, "/?k=" + "a" * 255, "/?k=" + "a" * 256)),
}  # fmt: skip

PAIR = Pair(
    CASES, http=ZONES + "limit_req_zone $server_name zone=slow:64k rate=1r/m;",
    settle=1.0,
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES:
        PAIR.check(name, "lua54")
