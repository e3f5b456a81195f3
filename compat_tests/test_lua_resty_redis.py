"""lua-resty-redis itself: its whole interface, on every server."""

from __future__ import annotations

from pathlib import Path

import pytest
from compat_case import EVALUATE, evaluate
from compat_libraries import REDIS
from compat_servers import FLAVOURS, REFERENCE, SERVERS, essence, wait_until
from compat_wire import ScriptedPeer
from redis_cases import COMMANDS, CONNECT
from redis_connection_cases import CONNECTIONS

pytestmark = pytest.mark.library(REDIS.name)

VALUES = Path(__file__).parent / "apps" / "redis_values.lua"

CASES = COMMANDS + CONNECTIONS

#: More than any buffer on the way holds.
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def tree(install):
    return install(REDIS)


@pytest.fixture(scope="module", params=SERVERS)
def evaluator(request, start, tree, redis):
    with start(request.param, EVALUATE, tree, REDIS_PORT=redis.port) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=str)
def test_says(evaluator, database, case):
    answer = evaluate(evaluator, CONNECT + case.code)
    assert tuple(answer.text.splitlines()) == case.lines


def play(server, database, case):
    """Return the answer to *case*, and what was logged meanwhile."""
    database("FLUSHALL")
    with server.logged() as lines:
        answer = evaluate(server, CONNECT + case.code).lasting()
    return answer, essence(lines)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_same_answers_and_logs(start, tree, redis, database, flavour):
    with (
        start(REFERENCE, EVALUATE, tree, REDIS_PORT=redis.port) as openresty,
        start(flavour, EVALUATE, tree, REDIS_PORT=redis.port) as ours,
    ):
        expected = {case.name: play(openresty, database, case) for case in CASES}
        assert {case.name: play(ours, database, case) for case in CASES} == expected


# Values ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=SERVERS)
def store(request, start, tree, redis):
    with start(request.param, VALUES, tree, REDIS_PORT=redis.port) as server:
        yield server


BINARY = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\0", id="nul"),
    pytest.param(b"\r\n", id="crlf"),
    pytest.param(b"$5\r\nhello\r\n\0-ERR\r\n", id="like_a_reply"),
    pytest.param(bytes(range(256)) * 2, id="all_bytes"),
    pytest.param(bytes(range(256)) * (MEBIBYTE // 256), id="mebibyte"),
]


@pytest.mark.parametrize("value", BINARY)
def test_value_from_redis(store, database, value):
    database("SET", "key", value)
    assert store.ask("/key").body == value


@pytest.mark.parametrize("value", BINARY)
def test_value_to_redis(store, database, value):
    assert store.ask("/key", value).text == "OK"
    assert database("GET", "key") == value


def test_value_not_there(store, database):
    assert store.ask("/key").status == 404


# Lifetimes ------------------------------------------------------------------


#: Uses a client that an earlier request has left behind.
USE_KEPT = "local say, red = ..., package.loaded.kept say(red:get('k'))"


def test_client_of_an_ended_request(evaluator, database):
    evaluate(evaluator, f"{CONNECT} package.loaded.kept = red")
    assert evaluate(evaluator, USE_KEPT).text == 'nil "closed"\n'


def test_client_of_another_request(evaluator, database):
    keep = "package.loaded.kept = red say('kept') ngx.flush() say(red:blpop('k', 0))"
    with evaluator.send("/", f"{CONNECT} {keep}".encode()) as owner:
        assert owner.line() == '"kept"'
        with evaluator.logged() as lines:
            assert evaluate(evaluator, USE_KEPT).status == 500
        assert any("runtime error" in ln and "bad request" in ln for ln in lines)
        database("RPUSH", "k", "v")
        assert owner.line() == '{"k", "v"}'


def test_connections_end_with_their_request(evaluator, database):
    before = database.connections()
    code = f"{CONNECT} for i = 1, 5 do connected() end error('failed')"
    assert evaluate(evaluator, code).status == 500
    wait_until(lambda: database.connections() == before, "all are closed")


def test_idle_connection_closed_by_redis(evaluator, database):
    pooled = f"{CONNECT} local one = connected({{pool = 'idle'}}) "
    code = f"{pooled} say(one:get_reused_times()) one:set_keepalive()"
    assert evaluate(evaluator, code).text == "0\n"
    assert evaluate(evaluator, code).text == "1\n"
    database("CLIENT", "KILL", "TYPE", "normal")
    assert evaluate(evaluator, code).text == "0\n"


# Redis misbehaves -----------------------------------------------------------


@pytest.fixture
def peer():
    """A server that answers the first bytes of a client, a byte at a time."""
    with ScriptedPeer() as peer:
        yield peer


REPLIES = {
    "bulk": (b"$3\r\nabc\r\n", '"abc"'),
    "array": (b"*2\r\n$1\r\na\r\n:7\r\n", '{"a", 7}'),
    "nothing": (b"", 'nil "closed"'),
    "half_a_line": (b"+OK", 'nil "closed"'),
    "half_a_bulk": (b"$10\r\nabc", 'nil "closed"'),
    "bulk_without_its_end": (b"$3\r\nabc", 'nil "closed"'),
    "half_an_array": (b"*3\r\n:1\r\n", 'nil "closed"'),
    "unknown_kind": (b"?what\r\n", 'nil "unknown prefix: \\x2263\\x22"'),
    "empty_line": (b"\r\n", 'nil "unknown prefix: \\x22nil\\x22"'),
}


@pytest.mark.parametrize(("reply", "said"), REPLIES.values(), ids=REPLIES)
def test_reply(evaluator, peer, reply, said):
    peer.reply = reply
    code = f"""
    local say = ...
    local red = require("resty.redis"):new()
    red:connect("127.0.0.1", {peer.port})
    say(red:get("k"))
    """
    assert evaluate(evaluator, code).text == f"{said}\n"
