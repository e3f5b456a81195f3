"""examples/hit_counter: an app on lua-resty-redis, on the real OpenResty and on us.

What is expected is what Redis documents, and what the real OpenResty says:
every test runs on it as well.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from compat_libraries import REDIS
from compat_servers import (
    FLAVOURS,
    REFERENCE,
    SERVERS,
    essence,
    redis_server,
    reserved_port,
    wait_until,
)

pytestmark = pytest.mark.library(REDIS.name)

APP = Path(__file__).parents[1] / "examples" / "hit_counter" / "app.lua"

#: As many requests at once as a busy page has; fewer than its pool keeps.
CROWD = 50


@pytest.fixture(scope="module")
def tree(install):
    return install(REDIS)


@pytest.fixture(scope="module", params=SERVERS)
def counter(request, start, tree, redis):
    with start(request.param, APP, tree, REDIS_PORT=redis.port) as server:
        yield server


# Routes -----------------------------------------------------------------------


def test_hit_counts(counter, database):
    answers = [counter.ask("/hit?page=home").text for _ in range(3)]
    assert answers == ["1\n", "2\n", "3\n"]
    assert database("GET", "hits:home") == b"3"
    assert database("ZSCORE", "top", "home") == b"3"


def test_page_names_are_bytes(counter, database):
    assert counter.ask("/hit?page=%00%0d%0a%ff").text == "1\n"
    assert database("GET", b"hits:\x00\r\n\xff") == b"1"


def test_top_in_one_pipeline(counter, database):
    database("ZADD", "top", 5, "home", 3, "blog", 9, "news")
    answer = counter.ask("/top?limit=2")
    assert answer.text == "3 pages\n9 news\n5 home\n"


def test_transaction(counter, database):
    database("MSET", "hits:a", 5, "hits:b", 1)
    answer = counter.ask("/transaction?from=a&to=b")
    assert answer.text == "QUEUED: 4, 2\n"
    assert database("MGET", "hits:a", "hits:b") == [b"4", b"2"]


def test_error_in_a_transaction(counter, database):
    database("SET", "hits:b", "many")
    with counter.logged() as lines:
        answer = counter.ask("/transaction?from=a&to=b")
    text = "ERR value is not an integer or out of range"
    assert (answer.status, answer.text) == (502, f"Redis is no help: {text}\n")
    assert any("[error]" in line and text in line for line in lines)


def test_null(counter, database):
    assert counter.ask("/null?page=a").text == "get: nothing\nmget: null, null\n"
    database("SET", "hits:a", 7)
    assert counter.ask("/null?page=a").text == "get: 7\nmget: 7, null\n"


def test_publish_to_nobody(counter, database):
    assert counter.ask("/publish?channel=c&message=m").text == "heard by 0\n"


def test_publish_to_a_waiting_request(counter, database):
    path = "/subscribe?channel=news&timeout=20000"
    with counter.send(path) as subscriber:
        assert subscriber.line() == "waiting"
        publish = counter.ask("/publish?channel=news&message=extra%20extra")
        assert publish.text == "heard by 1\n"
        assert subscriber.answer().text == "news: extra extra\n"


def test_subscriber_gives_up(counter, database):
    with counter.logged() as lines:
        answer = counter.ask("/subscribe?channel=silence&timeout=50")
    assert answer.text == "waiting\nno message: timeout\n"
    assert any("lua tcp socket read timed out" in line for line in lines)


def test_subscriber_leaves_no_connection(counter, database):
    counter.ask("/subscribe?channel=silence&timeout=1")
    wait_until(
        lambda: database("PUBSUB", "NUMSUB", "silence")[1] == 0, "the subscriber left"
    )


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/hit", 400, "Which page?\n"),
        ("/hit?page", 400, "Which page?\n"),
        ("/transaction?from=a", 400, "Which to?\n"),
        ("/nowhere", 404, "There is no such page.\n"),
    ],
    ids=["nothing", "no_value", "one_of_two", "nowhere"],
)
def test_wrong_requests(counter, database, path, status, text):
    answer = counter.ask(path)
    assert (answer.status, answer.text) == (status, text)


# Connections ------------------------------------------------------------------


def times_used(server):
    return int(re.search(r"\d+", server.ask("/pool").text)[0])


def test_connection_is_used_again(counter, database):
    first = times_used(counter)
    accepted = database.accepted()
    assert [times_used(counter) for _ in range(5)] == [first + n for n in range(1, 6)]
    assert database.accepted() == accepted


def hit_at_once(server, database):
    """Send CROWD hits that all hold a connection at the same time."""
    database("CLIENT", "PAUSE", 20000, "WRITE")
    with ExitStack() as stack:
        stack.callback(database, "CLIENT", "UNPAUSE")
        exchanges = [
            stack.enter_context(server.send("/hit?page=p")) for _ in range(CROWD)
        ]
        held = re.compile(rb"cmd=incr\b")
        wait_until(
            lambda: len(held.findall(database("CLIENT", "LIST"))) == CROWD,
            "all have sent their command",
        )
        database("CLIENT", "UNPAUSE")
        return [exchange.answer() for exchange in exchanges]


def test_crowds_share_connections(counter, database):
    for wave in range(1, 4):
        answers = hit_at_once(counter, database)
        hits = sorted(int(answer.body) for answer in answers)
        assert hits == list(range((wave - 1) * CROWD + 1, wave * CROWD + 1))
        assert database.connections() == CROWD
        accepted = database.accepted()
        if wave == 1:
            after_first = accepted
        assert accepted == after_first


# Redis goes and comes back ----------------------------------------------------


def test_redis_restarts(start, tree, tmp_path, server_name):
    with (
        redis_server(tmp_path) as redis,
        start(server_name, APP, tree, REDIS_PORT=redis.port) as server,
    ):
        assert server.ask("/hit?page=p").text == "1\n"
        descriptors = server.descriptors()
        redis.kill()
        with server.logged() as lines:
            answers = [server.ask("/hit?page=p") for _ in range(20)]
        text = "Redis is no help: connection refused\n"
        assert {(a.status, a.text) for a in answers} == {(502, text)}
        for pattern in (
            r"\[error\] .* connect\(\) failed \(111: Connection refused\), client: ",
            r"\[error\] .* redis at 127\.0\.0\.1:\d+: connection refused, client: ",
        ):
            assert len([line for line in lines if re.search(pattern, line)]) == 20
        redis.start()
        assert server.ask("/hit?page=p").text == "1\n"
        wait_until(lambda: server.descriptors() <= descriptors, "nothing leaks")


@pytest.fixture(params=SERVERS)
def server_name(request):
    return request.param


# Side by side -----------------------------------------------------------------


SCRIPT = [
    "/",
    "/hit",
    "/hit?page=",
    "/hit?page=a&page=b",
    "/pool",
    "/hit?page=home",
    "/hit?page=home",
    "/hit?page=%00%0d%0a",
    "/pool",
    "/top",
    "/top?limit=1",
    "/top?limit=x",
    "/transaction?from=home&to=blog",
    "/null?page=home",
    "/null?page=nobody",
    "/publish?channel=c&message=m",
    "/subscribe?channel=c&timeout=10",
    "/pool",
    "/hit?page=wrong",
    "/transaction?from=home&to=wrong",
]


def play(server, database):
    """Ask all of SCRIPT; return the answers, and what was logged meanwhile."""
    database("FLUSHALL")
    database("SET", "hits:wrong", "many")
    with server.logged() as lines:
        answers = [(path, server.ask(path).lasting()) for path in SCRIPT]
    return answers, essence(lines)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_same_answers(start, tree, redis, database, flavour):
    with start(REFERENCE, APP, tree, REDIS_PORT=redis.port) as openresty:
        expected, expected_log = play(openresty, database)
    with start(flavour, APP, tree, REDIS_PORT=redis.port) as ours:
        answers, log = play(ours, database)
    assert answers == expected
    assert log == expected_log


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_same_refusal(start, tree, flavour):
    answers, logs = [], []
    with reserved_port() as port:
        for name in (REFERENCE, flavour):
            with start(name, APP, tree, REDIS_PORT=port) as server:
                with server.logged() as lines:
                    answers.append(server.ask("/hit?page=p").lasting())
                logs.append(essence(lines))
    assert answers[0] == answers[1]
    assert logs[0] == logs[1]


def test_library_is_unmodified(tree):
    installed = Path("/usr/share/lua/5.1/nginx/redis.lua").read_bytes()
    assert (tree / "resty" / "redis.lua").read_bytes() == installed
