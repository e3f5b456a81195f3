"""How many requests may come: the limit_req module."""

from __future__ import annotations

import pytest
from conversation import Case as Talk
from conversation import get, head, in_turn, pipeline, post
from directive_pair import SHUT, Pair, case, sleep

#: Zones whose keys tell cases apart. Of the slow ones a request is forgotten after a
#: minute, and seen to fade after 63 ms.
ZONES = """
limit_req_zone $server_name zone=slow:64k rate=1r/m;
limit_req_zone $server_name$arg_k zone=other:64k rate=1r/m;
limit_req_zone $arg_k zone=args:64k rate=1r/m;
limit_req_zone $server_name zone=quick:64k rate=2r/s;
limit_req_zone $server_name zone=quicker:64k rate=4r/s;
limit_req_zone $server_name zone=fast:64k rate=1000000r/s;
large_client_header_buffers 4 128k;
log_format limited '$uri $status $limit_req_status';
"""

LOG = "access_log logs/NAME.log limited;"


def burst(count, *targets):
    """Return so many requests at once, of each target in turn."""
    targets = targets or ("/",)
    requests = [get(targets[i % len(targets)]) for i in range(count)]
    return pipeline(*requests)


def limited(limits, *talks, more="", **options):
    """Return a case of a location with limits."""
    return case(
        f"{LOG} location / {{ {limits} {more} echo $limit_req_status; }}",
        *(talks or (burst(4),)),
        **options,
    )


def timed(limits, *talks, more=""):
    """Return a case whose delays count, and not the lines that tell of them."""
    return limited(limits, *talks, more=more, timed=True, level="crit")


SLOW = "limit_req zone=slow burst=2 nodelay;"

CASES = {
    "no_burst": limited("limit_req zone=slow;"),
    "burst": limited("limit_req zone=slow burst=2 nodelay;", burst(5)),
    "delay_above": limited("limit_req zone=slow burst=3 delay=3;", burst(6)),
    "order": limited("limit_req nodelay burst=1 zone=slow;"),
    "status": limited("limit_req zone=slow; limit_req_status 429;"),
    "status_429_page": case(
        f"{LOG} limit_req_status 429; error_page 429 /e;"
        " location / { limit_req zone=slow; echo ok; }"
        " location /e { limit_req zone=other; echo e $limit_req_status; }", burst(3),
    ),
    "status_444": limited("limit_req zone=slow; limit_req_status 444;", "/", "/"),
    "status_named_page": case(
        f"{LOG} error_page 503 @e; location / {{ limit_req zone=slow; echo ok; }}"
        " location @e { limit_req zone=slow; echo e; }", burst(3),
    ),
    **{
        f"level_{level}": limited(
            f"limit_req zone=slow burst=1; limit_req_log_level {level};"
            " limit_req_dry_run on;", burst(3), level="info",
        )
        for level in ("info", "notice", "warn", "error")
    },
    "dry_run": limited(f"{SLOW} limit_req_dry_run on;", burst(5)),
    "dry_run_delay": limited(
        "limit_req zone=slow burst=3 delay=1; limit_req_dry_run on;", burst(6),
    ),
    "inherited": case(
        f"{LOG} {SLOW} limit_req_status 429; location / {{ echo ok; }}"
        " location /own { limit_req zone=other; echo own; }",
        burst(5), burst(3, "/own"),
    ),
    "keys": limited("limit_req zone=other;", burst(6, "/?k=a", "/?k=b", "/?k=c")),
    "no_key": limited("limit_req zone=args;", burst(3, "/", "/?k=")),
    "key_of_nuls": limited("limit_req zone=args;", burst(4, "/?k=%00", "/?k=%00b")),
    "two": limited(f"limit_req zone=other burst=1 nodelay; {SLOW}",
                   burst(7, "/?k=a", "/?k=b")),
    "two_last_without_key": limited(
        f"{SLOW} limit_req zone=args;", burst(6, "/", "/?k=two")),
    "two_first_without_key": limited(
        f"limit_req zone=args; {SLOW}", burst(6, "/", "/?k=first")),
    "three": limited(
        f"limit_req zone=args; {SLOW} limit_req zone=other burst=5 nodelay;",
        burst(8, "/", "/?k=three")),
    "two_refused_by_the_last": limited(
        f"limit_req zone=other burst=9 nodelay; {SLOW}", burst(5),
    ),
    "methods": limited(
        "limit_req zone=slow burst=1 nodelay;",
        pipeline(head("/"), head("/"), head("/")),
    ),
    "body": limited(
        "limit_req zone=slow;", pipeline(post("/", b"hello"), post("/", b"hello"))),
    "many_a_second": limited(
        "limit_req zone=fast burst=1 nodelay;", in_turn(get("/"), get("/"))
    ),
    "before_access": case(
        f"{LOG} location / {{ limit_req zone=slow; deny all; }}", burst(2)),
    "after_rewrite": case(
        f"{LOG} location / {{ limit_req zone=slow; return 204; }}", burst(3)),
    "rewritten": case(
        f"{LOG} location / {{ limit_req zone=slow; rewrite ^ /b; }}"
        " location /b { limit_req zone=other; echo b; }", burst(3),
    ),
    "redirected": case(
        f"{LOG} location / {{ {SLOW} try_files /none /b; }}"
        " location /b { limit_req zone=other; echo b; }", burst(4),
    ),
    "not_limited_then": case(
        f"{LOG} location / {{ limit_req zone=args; try_files /none /b; }}"
        " location /b { limit_req zone=other; echo b; }", burst(3),
    ),
    "subrequest": case(
        f"{LOG} location / {{ content_by_lua_block {{"
        " local res = ngx.location.capture('/in') ngx.say(res.status, ' ', res.body,"
        " ngx.var.limit_req_status) } }"
        " location /in { limit_req zone=slow; echo in $limit_req_status; }", burst(3),
    ),
    "subrequest_of_a_limited": case(
        f"{LOG} location / {{ {SLOW} content_by_lua_block {{"
        " ngx.print(ngx.location.capture('/in').body) } }"
        " location /in { limit_req zone=other; echo in; }", burst(4),
    ),
    "lua": case(
        f"{LOG} location / {{ {SLOW} access_by_lua_block {{"
        " ngx.log(ngx.WARN, 'passed ', ngx.var.limit_req_status) }"
        " content_by_lua_block { ngx.say(ngx.var.limit_req_status) } }", burst(4),
    ),
    "limit_except": case(
        f"{LOG} location / {{ {SLOW} limit_except GET {{ deny all; }} echo ok; }}",
        pipeline(post("/", b""), get("/"), get("/"), get("/")),
    ),
    "in_if": case(
        f"{LOG} location / {{ {SLOW} if ($arg_a) {{ set $b 1; }} echo ok; }}",
        burst(4, "/?a=1"),
    ),
    "long_key": case(
        f"{LOG} location / {{ limit_req zone=args; echo ok; }}",
        burst(2, "/?k=" + "a" * 65535), burst(2, "/?k=" + "b" * 3000),
        get("/?k=" + "c" * 65536),
    ),
}  # fmt: skip

TIMED = {
    "delayed": timed("limit_req zone=quick burst=5;"),
    "delayed_refused": timed("limit_req zone=quick burst=2;", burst(5)),
    "delayed_above": timed("limit_req zone=quick burst=5 delay=1;"),
    "delayed_by_the_slower": timed(
        "limit_req zone=quick burst=9; limit_req zone=quicker burst=9;"),
    "delayed_by_the_first": timed(
        "limit_req zone=quicker burst=9; limit_req zone=quick burst=9 nodelay;"),
    "fades": timed(
        "limit_req zone=quick;", burst(2), Talk("", (sleep(0.8), *burst(2).pieces))),
    "delayed_lua": timed(
        "limit_req zone=quick burst=5;", burst(2),
        more="rewrite_by_lua_block { ngx.ctx.a = 'kept' }"
        " header_filter_by_lua_block { ngx.header.x = ngx.ctx.a }",
    ),
    "delayed_body": timed(
        "limit_req zone=quick burst=5;",
        pipeline(post("/", b"one"), post("/", b"two")),
    ),
    "gone": case(
        f"{LOG} location / {{ limit_req zone=quick burst=5; echo ok; }}",
        Talk("gone", (get("/").data(), sleep(0.2), get("/").data(), sleep(0.1), SHUT)),
        timed=True, answers=False, level="crit",
    ),
}  # fmt: skip

PAIR = Pair(CASES | TIMED, http=ZONES, settle=0.7)


@pytest.mark.parametrize("name", CASES | TIMED)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES | TIMED:
        PAIR.check(name, "lua54")


def test_a_subrequest_may_have_to_wait():
    """In nginx one that Lua captures never comes back."""
    conf = (
        "location / { content_by_lua_block {"
        " ngx.print(ngx.location.capture('/in').body) } }"
        " location /in { limit_req zone=quick burst=5; echo $limit_req_status; }"
    )
    pair = Pair({"waits": case(conf, burst(3), timed=True)}, http=ZONES)
    (answer,) = pair.actual("waits").answers
    told = ("PASSED", "DELAYED", "<0.5 s>")
    assert [line for line in answer if line in told] == [
        "PASSED", "<0.5 s>", "DELAYED", "<0.5 s>", "DELAYED",
    ]  # fmt: skip
