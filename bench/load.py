"""The two kinds of load: wrk's, and many connections that mostly do nothing.

Both return a Sample: numbers by the names in report.METRICS. Whatever makes a
number meaningless (an error status, a lost connection, a line in the error
log) raises BenchError instead.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .process import BenchError

if TYPE_CHECKING:
    from .servers import Server

__all__ = ["IdleLoad", "Load", "Sample", "WrkLoad", "WrkOutput", "parse_wrk"]

Sample = Mapping[str, float]

_SCRIPTS = Path(__file__).parent / "wrk"
_MIB = 1024 * 1024
_WARMUP_SECONDS = 1
_WRK_GRACE_SECONDS = 30
_SOCKET_SECONDS = 30.0
_SOURCE_ADDRESSES = [f"127.0.0.{last}" for last in range(2, 12)]

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_P99 = re.compile(r"^\s+99%\s+([\d.]+)(us|ms|s|m|h)$", re.MULTILINE)
_REQUESTS = re.compile(r"^\s*(\d+) requests in ", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_TROUBLE = re.compile(r"^\s*(Socket errors: .+|Non-2xx .+)$", re.MULTILINE)


class Load(Protocol):
    """What a server is put under."""

    @property
    def connections(self) -> int:
        """How many connections are open at once."""

    def run(self, server: Server, seconds: int, /) -> Sample:
        """Load *server* for *seconds*, where time is the measure.

        Raises:
            BenchError: an answer was missing or wrong.
        """


class WrkOutput(NamedTuple):
    """What is used of wrk's output."""

    requests: int
    rps: float
    p99_ms: float


def parse_wrk(output: str) -> WrkOutput:
    """Read what ``wrk --latency`` printed.

    Raises:
        BenchError: wrk saw errors, finished no request, or printed
            something else.
    """
    if trouble := _TROUBLE.search(output):
        raise BenchError(f"wrk says: {trouble[1]}")
    requests, rate, p99 = (p.search(output) for p in (_REQUESTS, _RATE, _P99))
    if not (requests and rate and p99):
        raise BenchError(f"wrk printed no result: {output.strip()[-200:]!r}")
    if requests[1] == "0":
        raise BenchError("no request was finished")
    return WrkOutput(
        requests=int(requests[1]),
        rps=float(rate[1]),
        p99_ms=float(p99[1]) * _MILLISECONDS[p99[2]],
    )


@dataclass(frozen=True)
class WrkLoad:
    """One wrk thread, without pipelining, as fast as the server answers.

    Attributes:
        script: the name of a file in ``bench/wrk``, without ``.lua``.
        connections: how many are kept open, each with one request at a time.
        path: path and query of every request.
    """

    script: str
    connections: int
    path: str = "/"

    def run(self, server: Server, seconds: int, /) -> Sample:
        """Warm the server up, then measure it; see Load."""
        self._wrk(server, _WARMUP_SECONDS)
        started, cpu_before = time.monotonic(), server.process.cpu_seconds()
        output = self._wrk(server, seconds)
        cpu = server.process.cpu_seconds() - cpu_before
        elapsed = time.monotonic() - started
        return {
            "cpu": cpu * 1e6 / output.requests,
            "rps": output.rps,
            "p99": output.p99_ms,
            "busy": cpu / elapsed * 100,
            "rss": server.process.rss_bytes() / _MIB,
        }

    def _wrk(self, server: Server, seconds: int) -> WrkOutput:
        command = ["wrk", "--threads", "1", "--latency"]
        command += ["--connections", str(self.connections)]
        command += ["--duration", f"{seconds}s"]
        command += ["--script", str(_SCRIPTS / f"{self.script}.lua")]
        command.append(f"http://127.0.0.1:{server.port}{self.path}")
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds + _WRK_GRACE_SECONDS,
            )
        except subprocess.TimeoutExpired as exc:
            raise BenchError(f"wrk did not end within {exc.timeout} s") from exc
        return parse_wrk(done.stdout)


@dataclass(frozen=True)
class IdleLoad:
    """Keep-alive connections that are held open after one request each.

    What they cost is the growth of the server's memory while they are idle;
    then some of them, all at once, must still be served.

    Attributes:
        connections: how many are opened.
        active: how many of them then have a request under way at once.
        answer: the response body, announced by Content-Length.
    """

    connections: int
    active: int
    answer: bytes

    def run(self, server: Server, _seconds: int, /) -> Sample:
        """Open all, measure, then use some; see Load."""
        for _ in range(self.active):
            server.ask()
        rss_before = server.process.rss_bytes()
        with ExitStack() as stack:
            connections = [
                stack.enter_context(_connect(server, number))
                for number in range(self.connections)
            ]
            self._each_in_turn(connections)
            grown = server.process.rss_bytes() - rss_before
            self._all_at_once(connections[:: self.connections // self.active])
        return {
            "connection": grown / self.connections / 1024,
            "rss": server.process.rss_bytes() / _MIB,
        }

    def _each_in_turn(self, connections: list[socket.socket]) -> None:
        for connection in connections:
            _send(connection, "/")
            self._receive(connection)

    def _all_at_once(self, connections: list[socket.socket]) -> None:
        for connection in connections:
            _send(connection, "/active")
        for connection in connections:
            self._receive(connection)

    def _receive(self, connection: socket.socket) -> None:
        response = b""
        while not response.endswith(b"\r\n\r\n" + self.answer):
            try:
                data = connection.recv(4096)
            except OSError as exc:
                raise BenchError(f"an idle connection broke: {exc}") from exc
            if not data:
                raise BenchError(f"an idle connection was closed: {response!r}")
            response += data
        if not response.startswith(b"HTTP/1.1 200 "):
            raise BenchError(f"an idle connection got {response[:60]!r}")


def _connect(server: Server, number: int) -> socket.socket:
    source = _SOURCE_ADDRESSES[number % len(_SOURCE_ADDRESSES)]
    try:
        return socket.create_connection(
            ("127.0.0.1", server.port), _SOCKET_SECONDS, source_address=(source, 0)
        )
    except OSError as exc:
        raise BenchError(f"connection {number} failed: {exc}") from exc


def _send(connection: socket.socket, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"
    try:
        connection.sendall(head.encode())
    except OSError as exc:
        raise BenchError(f"an idle connection broke: {exc}") from exc
