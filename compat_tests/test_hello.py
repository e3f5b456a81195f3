"""examples/hello, on every server."""

from __future__ import annotations

from pathlib import Path

import pytest
from compat_servers import FLAVOURS, REFERENCE, SERVERS

APP = Path(__file__).parents[1] / "examples" / "hello" / "app.lua"

REQUESTS = [
    ("/", {}, "Hello, world!\nYou asked for / by GET.\n"),
    ("/?name=Ada", {}, "Hello, Ada!\nYou asked for / by GET.\n"),
    (
        "/a%20b?name=Ada&name=Grace%20H",
        {"X-Mood": "curious"},
        "Hello, Ada!\nHello, Grace H!\nYou asked for /a b by GET.\n",
    ),
    ("/?name", {}, "Hello, true!\nYou asked for / by GET.\n"),
    ("/?name=&x=1", {}, "Hello, !\nYou asked for / by GET.\n"),
]


@pytest.fixture(params=SERVERS)
def hello(request, start, tmp_path):
    with start(request.param, APP, tmp_path) as server:
        yield server


def test_says_hello(hello):
    for path, headers, text in REQUESTS:
        answer = hello.ask(path, headers=headers)
        assert (answer.status, answer.text) == (200, text)
        assert dict(answer.headers)["Content-Type"] == "text/plain; charset=utf-8"
        assert dict(answer.headers).get("X-Mood") == headers.get("X-Mood")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_same_answers(start, tmp_path, flavour):
    answers = []
    for name in (REFERENCE, flavour):
        with start(name, APP, tmp_path) as server:
            answers.append(
                [server.ask(p, headers=h).lasting() for p, h, _ in REQUESTS]
                + [server.ask("/", b"body").lasting()]
            )
    assert answers[0] == answers[1]
