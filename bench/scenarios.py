"""What is measured: one line of the table here, one file in ``apps/``."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .load import IdleLoad, Load, Sample, WrkLoad
from .process import BenchError, allow_files
from .servers import ServerKind, redis, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCENARIOS", "Scenario", "measure"]

_KIB = 1024
_MIB = 1024 * 1024

# The load generator, log files, pipes and listening sockets.
_SPARE_FILES = 200


@dataclass(frozen=True)
class Answer:
    """What a right answer's body looks like: its beginning and its size."""

    start: bytes
    size: int

    def check(self, body: bytes) -> None:
        """Raise BenchError where *body* is not such an answer."""
        if len(body) != self.size or not body.startswith(self.start):
            raise BenchError(f"wrong answer: {len(body)} bytes, {body[:40]!r}")


@dataclass(frozen=True)
class Scenario:
    """One comparison.

    Attributes:
        name: as given to ``--scenario``; the app is ``apps/NAME.lua``, or
            ``apps/NAME.conf``, which is served by ``resty-py nginx``.
        summary: what it shows, for people.
        load: what the server is put under.
        answer: what one request must get before anything is measured.
        path: path and query of that request.
        body: body of that request, which makes it a POST.
        settings: values by the names of nginx's directives.
        files: what static files there are: contents by name.
        needs_redis: whether Redis runs beside the load.
        over_tls: whether it speaks TLS.
        headline: the metric whose ratio counts.
        limit: the worst ratio that ``--check`` accepts.
    """

    name: str
    summary: str
    load: Load
    answer: Answer
    path: str = "/"
    body: bytes = b""
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    needs_redis: bool = False
    over_tls: bool = False
    headline: str = "cpu"
    limit: float | None = None


def _calls(name: str, summary: str, answer: bytes, limit: float) -> Scenario:
    """Return a scenario of many calls of a function in one request."""
    load = WrkLoad("browser", connections=16)
    return Scenario(name, summary, load, Answer(answer, len(answer)), limit=limit)


_FEATURES_PATH = "/apples?user=alice&page=6&sort=price&currency=EUR"
_REGEX_PATH = "/items/apples/42"

#: Every scenario by name, in the order of the report.
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="hello",
            summary="one ngx.say, five request headers",
            load=WrkLoad("browser", connections=64),
            answer=Answer(b"hello\n", 6),
            limit=2.0,
        ),
        Scenario(
            name="features",
            summary="20 request headers, arguments, ngx.ctx, response headers, 1 KB",
            load=WrkLoad("features", connections=64, path=_FEATURES_PATH),
            answer=Answer(b'{"user":"alice","page":6,', 1024),
            path=_FEATURES_PATH,
        ),
        Scenario(
            name="cosocket",
            summary="PING to Redis over a keepalive pool",
            load=WrkLoad("browser", connections=64),
            answer=Answer(b"+PONG\n", 6),
            needs_redis=True,
            limit=1.6,
        ),
        Scenario(
            name="download",
            summary="a response body of 1 MiB",
            load=WrkLoad("browser", connections=16),
            answer=Answer(b"x", _MIB),
        ),
        Scenario(
            name="upload",
            summary="a request body of 1 MiB, kept in memory "
            "(client_body_buffer_size 2m)",
            load=WrkLoad("upload", connections=16),
            answer=Answer(b"1048576\n", 8),
            body=b"x" * _MIB,
            # nginx: client_max_body_size 1m, client_body_buffer_size 16k.
            settings={"client_max_body_size": "8m", "client_body_buffer_size": "2m"},
        ),
        Scenario(
            name="sleep",
            summary="1,000 connections, each request in ngx.sleep(0.1)",
            load=WrkLoad("browser", connections=1000),
            answer=Answer(b"slept\n", 6),
        ),
        Scenario(
            name="idle",
            summary="10,000 idle keep-alive connections, then 1,000 of them "
            "active at once",
            load=IdleLoad(connections=10_000, active=1000, answer=b"hello\n"),
            answer=Answer(b"hello\n", 6),
            headline="connection",
        ),
        Scenario(
            name="phases",
            summary="nginx.conf: access, content and log by Lua, one ngx.say",
            load=WrkLoad("browser", connections=64),
            answer=Answer(b"hello\n", 6),
            limit=2.0,
        ),
        Scenario(
            name="regex",
            summary="nginx.conf: a regex location, its captures read by Lua",
            load=WrkLoad("browser", connections=64, path=_REGEX_PATH),
            answer=Answer(b"apples 42\n", 10),
            path=_REGEX_PATH,
            limit=2.0,
        ),
        Scenario(
            name="capture",
            summary="nginx.conf: ngx.location.capture of an internal Lua location",
            load=WrkLoad("browser", connections=64),
            answer=Answer(b"200 inner\n", 10),
            limit=2.5,
        ),
        Scenario(
            name="cosocket_tls",
            summary="PING to Redis over a keepalive pool of TLS connections",
            load=WrkLoad("browser", connections=64),
            answer=Answer(b"+PONG\n", 6),
            needs_redis=True,
            over_tls=True,
            limit=2.5,
        ),
        Scenario(
            name="download_tls",
            summary="a value of 1 MiB from Redis over TLS, its size as the answer",
            load=WrkLoad("browser", connections=16),
            answer=Answer(b"1048576\n", 8),
            needs_redis=True,
            over_tls=True,
        ),
        _calls("match", "100 times ngx.re.match on 1 KiB", b"4711\n", 1.5),
        _calls("gsub", "100 times ngx.re.gsub on 1 KiB", b"37\n", 1.5),
        _calls("digest", "100 times lua-resty-string SHA-256 of 1 KiB", b"32\n", 2.5),
        _calls("base64", "100 times base64 of 1 KiB there and back", b"1024\n", 2.5),
        Scenario(
            name="static",
            summary="nginx.conf: a file of 10 KiB",
            load=WrkLoad("browser", connections=64, path="/page.html"),
            answer=Answer(b"x", 10 * _KIB),
            path="/page.html",
            files={"page.html": b"x" * (10 * _KIB)},
        ),
    )
}


def measure(scenario: Scenario, kind: ServerKind, seconds: int) -> Sample:
    """Start a server of *kind*, see that it answers right, and load it.

    Raises:
        BenchError: it did not start, answered wrongly or logged an error.
    """
    allow_files(scenario.load.connections + _SPARE_FILES)
    needs_redis = scenario.needs_redis
    backend = redis(tls=scenario.over_tls) if needs_redis else nullcontext()
    serving = serve(kind, scenario.name, scenario.settings, scenario.files)
    with backend, serving as server:
        scenario.answer.check(server.ask(scenario.path, scenario.body))
        sample = scenario.load.run(server, seconds)
        server.check_log()
        return sample
