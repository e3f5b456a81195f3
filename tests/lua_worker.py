"""Workers for tests of the runtime: every Lua flavour, both system-call halves.

``each_variant`` runs a test on all of them; :func:`open_rig` opens a worker with
its logs, listeners and HTTP clients at hand.
"""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import h11
import pytest
import trio

import resty_py
from resty_py import Limits
from resty_py.server.listeners import Address, open_listener
from resty_py.vm import FLAVOURS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FREE_PORT = Address(socket.AF_INET, "127.0.0.1", 0)

# "2026/01/02 03:04:05 [error] 12#34: *5 message" -> level, message
_LINE = re.compile(r"^\d{4}/\d\d/\d\d [\d:]{8} \[(\w+)\] \d+#\d+: (?:\*\d+ )?")

#: No answer within this is a defect; nothing waits for it to pass.
PATIENCE = 10


@dataclass(frozen=True)
class Variant:
    """A Lua flavour with one half of the system calls."""

    flavour: str
    prefer_ffi: bool = True

    def __str__(self):
        return self.flavour if self.prefer_ffi else f"{self.flavour}-host"

    @property
    def calls_host(self):
        """Whether its system calls are host functions."""
        return not (self.prefer_ffi and FLAVOURS[self.flavour].has_ffi)

    @property
    def options(self):
        """The options of ``open_worker``."""
        return {"flavour": self.flavour, "prefer_ffi": self.prefer_ffi}


VARIANTS = [
    *map(Variant, FLAVOURS),
    *(Variant(name, False) for name, flavour in FLAVOURS.items() if flavour.has_ffi),
]

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def messages(text: str) -> list[str]:
    """Return ``level: message`` of each line of an error log that begins one."""
    found = []
    for line in text.split("\n"):
        match = _LINE.match(line)
        if match:
            found.append(f"{match[1]}: {line[match.end() :]}")
        elif line and found:
            found[-1] += "\n" + line
    return found


class Rig:
    """A running worker and what a test wants of it."""

    def __init__(self, worker: resty_py.Worker, log: Path) -> None:
        self.worker = worker
        self.run = worker.run
        self.log_file = log

    @property
    def log(self) -> list[str]:
        """The error log so far: ``level: message`` each."""
        return messages(self.log_file.read_text(errors="replace"))

    def errors(self) -> list[str]:
        """The lines of level error and worse."""
        severe = ("error", "crit", "alert", "emerg")
        return [line for line in self.log if line.partition(":")[0] in severe]

    def serve(self, app: str | Path) -> int:
        """Answer requests with *app*; return the port."""
        with open_listener(FREE_PORT) as listener:
            source = app if isinstance(app, Path) else app.encode()
            self.worker.serve(source, listener)
            return listener.address.port

    async def settles_to(self, stats: dict[str, int]) -> None:
        """Wait until the worker has in hand what *stats* says, and no more.

        Raises:
            AssertionError: something is left over; the text says what.
        """
        with trio.move_on_after(PATIENCE):
            while self.worker.stats() != stats:
                await trio.lowlevel.checkpoint()
        assert self.worker.stats() == stats

    async def get(self, app: str | Path, target: str = "/") -> Answer:
        """Serve *app* and ask it once on a connection of its own."""
        async with await open_client(self.serve(app)) as client:
            return await client.get(target)


@contextlib.asynccontextmanager
async def open_rig(
    variant: Variant, folder: Path, *settings: str, level: str = "info", **options: Any
) -> AsyncIterator[Rig]:
    """Open a worker of *variant* that logs into *folder*.

    Args:
        settings: limits, as ``NAME=VALUE``.
        level: of the error log.
        options: further ones of ``open_worker``.
    """
    log = folder / f"error-{variant}.log"
    async with resty_py.open_worker(
        error_log=log,
        error_level=level,
        limits=Limits.parse(settings),
        **variant.options,
        **options,
    ) as worker:
        yield Rig(worker, log)


@dataclass(frozen=True)
class Answer:
    """A response: status, headers as h11 gives them, body; cut short or whole."""

    status: int
    headers: dict[str, str]
    body: str
    whole: bool = True


class Client:
    """An HTTP client's connection; raw bytes in, answers out."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._held = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def send(self, data: bytes) -> None:
        """Send raw bytes."""
        await self.stream.send_all(data)

    async def get(self, target: str = "/", *headers: str) -> Answer:
        """Send a GET and return the answer."""
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())
        return await self.answer()

    async def answer(self, method: str = "GET") -> Answer:
        """Read one response to a request of *method*.

        Raises:
            EOFError: the server closed without an answer.
        """
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        parser.send(h11.EndOfMessage())
        if self._held:
            parser.receive_data(self._held)
        status, headers, body = 0, {}, b""
        with trio.fail_after(PATIENCE):
            while True:
                event = parser.next_event()
                if event is h11.NEED_DATA:
                    data = await self.stream.receive_some()
                    if not data and not status:
                        raise EOFError
                    if not data and _needs_more(headers):
                        return Answer(status, headers, body.decode("latin-1"), False)
                    parser.receive_data(data)
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    headers = {k.decode(): v.decode() for k, v in event.headers}
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self._held = parser.trailing_data[0]
                    return Answer(status, headers, body.decode("latin-1"))

    async def read_to_end(self) -> bytes:
        """Return all that comes until the server closes."""
        data, self._held = self._held, b""
        with trio.fail_after(PATIENCE):
            async for chunk in self.stream:
                data += chunk
        return data


def _needs_more(headers: dict[str, str]) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers


async def open_client(port: int) -> Client:
    """Connect to *port* on this machine."""
    return Client(await trio.open_tcp_stream("127.0.0.1", port))
