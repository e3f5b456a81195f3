"""lua-resty-memcached, on every server."""

from __future__ import annotations

import pytest
from compat_case import EVALUATE, Case, evaluate
from compat_libraries import MEMCACHED
from compat_servers import SERVERS

pytestmark = pytest.mark.library(MEMCACHED.name)

#: Comes first in every case: a client `memc` of an empty memcached.
CONNECT = """\
local say = ...
local memcached = require "resty.memcached"
local PORT = tonumber(os.getenv("MEMCACHED_PORT"))
local function connected()
    local memc = memcached:new()
    memc:set_timeout(5000)
    assert(memc:connect("127.0.0.1", PORT))
    return memc
end
local memc = connected()
assert(memc:flush_all())
"""

CASES = [
    Case(
        "set_and_get",
        """
        say(memc:set("dog", 32))
        say(memc:get("dog"))
        say(memc:set("dog", "wolf", 0, 7))
        say(memc:get("dog"))
        say(memc:get("cat"))
        """,
        ("1", '"32" "0"', "1", '"wolf" "7"', "nil nil nil"),
    ),
    Case(
        "add_replace_append",
        """
        say(memc:replace("k", "a"))
        say(memc:add("k", "a"), memc:add("k", "b"))
        say(memc:append("k", {"b", {"c", 1}}), memc:prepend("k", "0"))
        say(memc:get("k"))
        say(memc:delete("k"), memc:delete("k"))
        """,
        (
            'nil "NOT_STORED"',
            '1 nil "NOT_STORED"',
            "1 1",
            '"0abc1" "0"',
            '1 nil "NOT_FOUND"',
        ),
    ),
    Case(
        "counters",
        """
        say(memc:incr("n", 1))
        memc:set("n", 10)
        say(memc:incr("n", 5), memc:decr("n", 3))
        """,
        ('nil "NOT_FOUND"', '"15" "12"'),
    ),
    Case(
        "many_at_once",
        """
        memc:set("a key", "one")
        memc:set("other", "two", 0, 5)
        say(memc:get({"a key", "other", "third"}))
        """,
        ('{a key = {"one", "0"}, other = {"two", "5"}}',),
    ),
    Case(
        "compare_and_swap",
        """
        memc:set("k", "a")
        local value, flags, unique = memc:gets("k")
        say(value, flags)
        say(memc:cas("k", "b", unique))
        say(memc:cas("k", "c", unique))
        say(memc:get("k"))
        """,
        ('"a" "0"', "1", 'nil "EXISTS"', '"b" "0"'),
    ),
    Case(
        "binary_and_large",
        r"""
        local value = ("\0\r\nEND\r\n\255"):rep(100000)
        say(#value, memc:set("k\r\n", value))
        say(memc:get("k\r\n") == value)
        """,
        ("900000 1", "true"),
    ),
    Case(
        "keepalive",
        """
        say(memc:set_keepalive(10000, 1))
        say(memc:get("k"))
        local again = connected()
        say(again:get_reused_times() > 0)
        say(again:close())
        """,
        ("1", 'nil nil "closed"', "true", "1"),
    ),
    Case(
        "nobody_listens",
        """
        local lost = memcached:new()
        say(lost:connect("127.0.0.1", 1))
        say(lost:get("k"))
        """,
        ('nil "connection refused"', 'nil nil "closed"'),
    ),
]


@pytest.fixture(scope="module", params=SERVERS)
def evaluator(request, start, install, memcached):
    tree = install(MEMCACHED)
    port = memcached.port
    with start(request.param, EVALUATE, tree, MEMCACHED_PORT=port) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=str)
def test_says(evaluator, case):
    answer = evaluate(evaluator, CONNECT + case.code)
    assert tuple(answer.text.splitlines()) == case.lines
