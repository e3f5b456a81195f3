"""lua-resty-redis-connector, on every server."""

from __future__ import annotations

import pytest
from compat_case import EVALUATE, Case, evaluate
from compat_libraries import REDIS_CONNECTOR
from compat_servers import MASTER, SERVERS, sentinel_server

pytestmark = pytest.mark.library(REDIS_CONNECTOR.name)

#: Comes first in every case: a connector `rc`.
PRELUDE = """\
local say = ...
local connector = require "nginx.redis.connector"
local PORT = tonumber(os.getenv("REDIS_PORT"))
local rc = connector.new({port = PORT, connect_timeout = 5000})
"""

CASES = [
    Case(
        "connect",
        """
        local red = rc:connect()
        say(red:set("k", "v"), red:get("k"))
        say(rc:set_keepalive(red))
        say(red:get("k"))
        say(rc:connect():get_reused_times() > 0)
        """,
        ('"OK" "v"', "1", 'nil "closed"', "true"),
    ),
    Case(
        "database",
        """
        local one = rc:connect({db = 1})
        one:set("k", "in one")
        say(rc:connect():get("k"), rc:connect({db = 1}):get("k"))
        """,
        ('null "in one"',),
    ),
    Case(
        "transaction_is_discarded",
        """
        local red = rc:connect()
        red:multi()
        red:set("k", 1)
        say(rc:set_keepalive(red))
        say(rc:connect():get("k"))
        """,
        ("1", "null"),
    ),
    Case(
        "disabled_commands",
        """
        local red = connector.new({port = PORT, connection_is_proxied = true})
        red = red:connect()
        say(red:set("k", 1), red:select(1))
        """,
        ('"OK" nil "Command select is disabled"',),
    ),
    Case(
        "hosts_are_tried",
        """
        local red, _, errors = rc:try_hosts({
            {host = "127.0.0.1", port = 1}, {host = "127.0.0.1", port = PORT},
        })
        say(red:ping(), errors)
        say(rc:try_hosts({{host = "127.0.0.1", port = 1}}))
        """,
        (
            '"PONG" {"connection refused"}',
            'nil "no hosts available" {"connection refused"}',
        ),
    ),
    Case(
        "unknown_options",
        """
        local _, err = connector.new({colour = "red"})
        say(err:match("field .*"))
        """,
        ('"field colour does not exist"',),
    ),
]


SENTINEL_CASES = [
    Case(
        "master",
        """
        local red = rc:connect({
            url = "sentinel://" .. MASTER .. ":m", sentinels = SENTINELS,
        })
        say(red:set("k", "by sentinel"), rc:connect():get("k"))
        """,
        ('"OK" "by sentinel"',),
    ),
    Case(
        "no_slaves",
        """
        local sentinel = rc:connect({host = "127.0.0.1", port = SENTINEL_PORT})
        local get_slaves = require "nginx.redis.sentinel".get_slaves
        say(get_slaves(sentinel, MASTER))
        """,
        ('nil "no slaves available"',),
    ),
    Case(
        "unknown_master",
        """
        local red = rc:connect({
            url = "sentinel://nobody:m", sentinels = SENTINELS,
        })
        say(red)
        """,
        ("nil",),
    ),
]

#: Comes after PRELUDE in those.
SENTINEL_PRELUDE = f"""\
local MASTER = "{MASTER}"
local SENTINEL_PORT = tonumber(os.getenv("SENTINEL_PORT"))
local SENTINELS = {{{{host = "127.0.0.1", port = SENTINEL_PORT}}}}
"""


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory, redis):
    folder = tmp_path_factory.mktemp("sentinel")
    with sentinel_server(folder, redis.port) as process:
        yield process


@pytest.fixture(scope="module", params=SERVERS)
def evaluator(request, start, install, redis, sentinel):
    tree = install(REDIS_CONNECTOR)
    ports = {"REDIS_PORT": redis.port, "SENTINEL_PORT": sentinel.port}
    with start(request.param, EVALUATE, tree, **ports) as server:
        yield server


@pytest.mark.parametrize("case", SENTINEL_CASES, ids=str)
def test_sentinel(evaluator, database, case):
    answer = evaluate(evaluator, PRELUDE + SENTINEL_PRELUDE + case.code)
    assert tuple(answer.text.splitlines()) == case.lines


@pytest.mark.parametrize("case", CASES, ids=str)
def test_says(evaluator, database, case):
    answer = evaluate(evaluator, PRELUDE + case.code)
    assert tuple(answer.text.splitlines()) == case.lines
