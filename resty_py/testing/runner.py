"""Runs a block: server, requests, checks.

Rules:

1. A block passes if every check of every repetition holds.
2. ``must_die`` blocks pass if the server does not start and the error log is as
   they say, each time that it is told to; what it printed counts as part of that
   log.
3. ``wait`` comes after the responses and before the look at the error log, whose
   checks count once for each response.
4. What a block expects of systemtap is a check that is not made, and is counted.
5. Whatever cannot be worked out here skips the block, with the reason.
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from . import client, errorlog, response
from .checks import Check, CheckError, Place, check_response
from .mocks import MockError, mocks_of
from .perl import PerlError, Regex
from .perl.values import text, truth
from .ports import ports_of
from .request import RequestError, requests_of
from .server import StartError
from .suite import BlockError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .ports import Ports
    from .request import Request
    from .response import Response
    from .server import Server
    from .suite import Block

__all__ = ["Outcome", "Result", "Runner"]

#: What a block may run into.
_FAILURES = (CheckError, RequestError, client.ConnectError, MockError, PerlError)

#: Sections that systemtap's output is to be like.
_STAP_CHECKS = ("stap_out", "stap_out_like", "stap_out_unlike")

_SKIP = re.compile(r"\s*(\d+|all)\s*:\s*(.*)", re.DOTALL)
_VERSION = re.compile(r"(<=|>=|<|>|==|!=)\s*([\d.]+)([a-z]?)")
_OPENSSL = re.compile(
    r"built with (?:OpenSSL|BoringSSL|LibreSSL) (\d+\.\d+\.\d+)([a-z]?)"
)


class Outcome(Enum):
    """How a block ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Result:
    """What came of a block.

    Attributes:
        block: the block.
        outcome: how it ended.
        reason: why it was skipped.
        checks: all checks.
        requests: the bytes that were sent.
        responses: the bytes that came back.
        log: the lines of the error log.
        said: what the server printed.
        seconds: how long it took.
    """

    block: Block
    outcome: Outcome = Outcome.PASSED
    reason: str = ""
    checks: list[Check] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    said: str = ""
    seconds: float = 0.0

    @property
    def failures(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.ok]


class Runner:
    """Runs blocks on a server, one after the other.

    Args:
        server: the place for their servers.
        version: of nginx, as Test::Nginx has it.
        about: what the server says of itself.
        ports: who uses which; shared by all runners that run at the same time.
    """

    def __init__(
        self, server: Server, version: float, about: str, ports: Ports
    ) -> None:
        self._server = server
        self._ports = ports
        self._version = version
        self._about = about

    def run(self, block: Block) -> Result:
        """Run a block."""
        result = Result(block)
        start = time.monotonic()
        try:
            reason = self._reason_to_skip(block)
            if reason is not None:
                result.outcome, result.reason = Outcome.SKIPPED, reason
                return result
            with self._ports.hold(ports_of(block)):
                self._run(block, result)
        except BlockError as exc:
            result.outcome, result.reason = Outcome.SKIPPED, str(exc)
        except _FAILURES as exc:
            result.checks.append(Check(False, str(exc)))
        finally:
            result.seconds = time.monotonic() - start
            if result.outcome is Outcome.PASSED and result.failures:
                result.outcome = Outcome.FAILED
                result.said = self._server.said()
        return result

    def _run(self, block: Block, result: Result) -> None:
        with mocks_of(block) as mocks:
            if block.has("must_die"):
                self._run_dying(block, result)
                return
            try:
                self._server.begin(block)
            except StartError as exc:
                result.log = self._server.new_log()
                name = f"the server does not start: {exc}"
                result.checks.append(Check(False, name))
                return
            requests = requests_of(block)
            for repetition in range(block.suite.settings.repeat_each):
                if repetition:
                    self._server.write_files(block)
                for mock in mocks:
                    mock.reset()
                self._repeat(block, requests, repetition, result)
                for mock in mocks:
                    mock.wait()
                    result.checks += _check_query(block, mock.kind, mock.received)
        self._end(block, result)

    # Skipping -----------------------------------------------------------------------

    def _reason_to_skip(self, block: Block) -> str | None:
        """Return why a block says that it is to be skipped, or None."""
        for name in ("skip_nginx", "skip_nginx2"):
            match = _SKIP.match(block.text(name) or "")
            if match and _holds(match[2], self._version, is_nginx=True):
                return f"{name}: {match[2].strip()}"
        match = _SKIP.match(block.text("skip_openssl") or "")
        found = _OPENSSL.search(self._about)
        if match and found and _holds(match[2], _version(found[1], found[2])):
            return f"skip_openssl: {match[2].strip()}"
        match = _SKIP.match(block.text("skip_eval") or "")
        if match and truth(block.suite.evaluate_code(block, match[2])):
            return f"skip_eval: {match[2].strip()}"
        return None

    # A server that dies ---------------------------------------------------------------

    def _run_dying(self, block: Block, result: Result) -> None:
        for repetition in range(block.suite.settings.repeat_each):
            name = "the server dies"
            try:
                self._server.begin(block)
            except StartError as exc:
                result.checks.append(Check(exc.code != 0, name))
            else:
                result.checks.append(Check(False, f"{name}: it started"))
                return
            result.log = self._server.new_log()
            result.checks += errorlog.check_error_log(block, result.log, repetition)

    # Requests -------------------------------------------------------------------------

    def _repeat(
        self, block: Block, requests: list[Request], repetition: int, result: Result
    ) -> None:
        wants_list = len(requests) > 1 or requests[0].responses > 1
        number = 0
        for request in requests:
            answer = self._exchange(block, request, result)
            for _ in range(request.responses):
                place = Place(number, repetition, wants_list, self._server.layout.port)
                answer = self._check(block, request, answer, place, result)
                number += 1
        time.sleep(block.number_of("wait", 0))
        accumulates = block.suite.settings.accumulates
        lines = self._server.new_log(accumulates=accumulates)
        result.log = lines if accumulates else result.log + lines
        for _ in range(number):
            result.checks += errorlog.check_error_log(block, lines, repetition)
            result.checks += _uncheck_stap(block)

    def _exchange(self, block: Block, request: Request, result: Result) -> str:
        timeout = block.number_of("timeout", block.suite.settings.timeout)
        address = ("127.0.0.1", self._server.layout.port)
        result.requests.append(request.data)
        answer = client.exchange(address, request.pieces, timeout, _shutdown(block))
        result.responses.append(answer.data)
        if answer.timed_out and not block.has("abort"):
            result.checks.append(Check(False, "client socket timed out"))
        if answer.error and not answer.data:
            return f"500 {answer.error}"
        return answer.data.decode("latin-1")

    def _check(
        self, block: Block, request: Request, raw: str, place: Place, result: Result
    ) -> str:
        """Check the first response in *raw*; return what is behind it."""
        if block.has("ignore_response"):
            return raw
        parsed: Response | None = None
        try:
            parsed = response.parse(
                raw, is_head=request.is_head, is_http09=block.has("http09")
            )
        except response.ResponseError as exc:
            result.checks.append(Check(False, str(exc)))
        result.checks += check_response(block, parsed, place)
        return parsed.left if parsed else ""

    def _end(self, block: Block, result: Result) -> None:
        if block.has("shutdown_error_log") or block.has("no_shutdown_error_log"):
            self._server.end()
            lines = self._server.new_log()
            result.log += lines
            result.checks += errorlog.check_shutdown_log(block, lines)
        if not block.suite.environment.get("TEST_NGINX_USE_HUP"):
            self._server.kill()


def _shutdown(block: Block) -> int | None:
    if not block.has("shutdown"):
        return None
    value = (block.text("shutdown") or "").strip()
    return int(value) if value else socket.SHUT_RD


def _uncheck_stap(block: Block) -> Iterator[Check]:
    """Count the checks of what systemtap would say."""
    for name in _STAP_CHECKS:
        if block.has(name):
            yield Check(True, f"{name} is not looked at")


def _check_query(block: Block, kind: str, received: list[str]) -> Iterator[Check]:
    """Check what a mock server received."""
    expected: Any = block.value(f"{kind}_query")
    got = "".join(received)
    if expected is not None:
        if isinstance(expected, Regex):
            ok = any(expected.search(one) for one in received)
        else:
            ok = text(expected) in received
        yield Check(ok, f"{kind}_query ok", got, text(expected))
    size = block.text(f"{kind}_query_len")
    if size is not None:
        ok = len(got) == int(size)
        yield Check(ok, f"{kind}_query_len ok", str(len(got)), size)


def _version(number: str, letter: str = "") -> float:
    major, minor, patch = [*map(int, number.split(".")), 0, 0][:3]
    fraction = (ord(letter) - 96) / 100 if letter else 0
    return major * 1_000_000 + minor * 1000 + patch + fraction


def _holds(condition: str, version: float, *, is_nginx: bool = False) -> bool:
    """Tell whether a version meets ``< 1.13.9`` and its like."""
    if is_nginx:
        version = round(version * 1_000_000)
    tests = list(_VERSION.finditer(condition))
    return bool(tests) and all(
        {
            "<": version < (wanted := _version(match[2], match[3])),
            ">": version > wanted,
            "<=": version <= wanted,
            ">=": version >= wanted,
            "==": version == wanted,
            "!=": version != wanted,
        }[match[1]]
        for match in tests
    )
