"""Raw HTTP on the wire: requests as bytes, answers as bytes, ours and nginx's.

``request(…)`` writes a request head; ``wire(…)`` serves a Lua app and hands out
:class:`Wire`, on which clients open; :class:`Peer` is such a client: it sends
bytes and reads until the server has no more to say.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from lua_worker import messages

import resty_py
from resty_py.server.listeners import Address, open_listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

#: No answer within this is a defect; nothing waits for it to pass.
PATIENCE = 10

#: The same by a virtual clock, where tests wait for the timeouts themselves.
VIRTUAL_PATIENCE = 10_000

#: Not 127.0.0.1: whoever tries whether a server of its own is up shall not find
#: ours there, and be in its logs.
ANY_PORT = Address(socket.AF_INET, "127.0.0.2", 0)


def patience() -> AbstractContextManager[trio.CancelScope]:
    """Fail where the block takes longer than any answer."""
    is_virtual = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
    return trio.fail_after(VIRTUAL_PATIENCE if is_virtual else PATIENCE)


def request(
    method: str = "GET",
    target: str = "/",
    *headers: str,
    version: str = "1.1",
    body: bytes = b"",
) -> bytes:
    """Return a request; a body brings its Content-Length with it."""
    lines = [f"{method} {target} HTTP/{version}", "Host: test", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return *chunks* in chunked coding."""
    framed = (b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"".join(framed) + end


@dataclass(frozen=True)
class Response:
    """One answer of a stream of them.

    ``body`` is without framing; ``whole`` is false where its end is missing.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True

    def __getitem__(self, name: str) -> str | None:
        """Return the value of the header *name*, None where there is none."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} comes {len(found)} times"
        return found[0] if found else None


def parse(data: bytes, *methods: str) -> list[Response]:
    """Return the final answers in *data*, to requests of *methods* (GET)."""
    answers = []
    while data:
        method = methods[len(answers)] if len(answers) < len(methods) else "GET"
        answer, data = _parse_one(data, method)
        if answer.status >= 200:
            answers.append(answer)
    return answers


def _parse_one(data: bytes, method: str) -> tuple[Response, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    assert end, f"a head without an end: {data!r}"
    assert line.startswith("HTTP/1.1 "), f"no status line: {line!r}"
    headers = tuple((k, v) for k, _, v in (f.partition(": ") for f in fields))
    answer = Response(int(line[9:12]), headers, b"")
    if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
        return answer, rest
    if answer["Transfer-Encoding"] == "chunked":
        body, whole, rest = _dechunk(rest)
    elif answer["Content-Length"] is not None:
        size = int(answer["Content-Length"])
        body, whole, rest = rest[:size], len(rest) >= size, rest[size:]
    else:
        body, whole, rest = rest, True, b""
    return Response(answer.status, headers, body, whole), rest


def _dechunk(data: bytes) -> tuple[bytes, bool, bytes]:
    pieces = []
    while data:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if size == 0:
            return b"".join(pieces), data[:2] == b"\r\n", data[2:]
        pieces.append(data[:size])
        data = data[size + 2 :]
    return b"".join(pieces), False, b""


class Peer:
    """A client's end of a connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.data = b""

    async def send(self, data: bytes) -> None:
        """Send *data*; a server that is gone already is no error."""
        with contextlib.suppress(trio.BrokenResourceError):
            await self.stream.send_all(data)

    async def drip(self, data: bytes) -> None:
        """Send *data* byte by byte, each a segment that the server sees alone."""
        for i in range(len(data)):
            await self.send(data[i : i + 1])
            await trio.testing.wait_all_tasks_blocked()

    async def end(self) -> None:
        """Say that no more comes."""
        with contextlib.suppress(trio.BrokenResourceError):
            await self.stream.send_eof()

    async def rest(self) -> bytes:
        """Return all that has come and comes until the server ends."""
        pieces, self.data = [self.data], b""
        with patience():
            async for chunk in self.stream:
                pieces.append(chunk)
        return b"".join(pieces)

    async def until(self, end: bytes) -> bytes:
        """Return what comes up to and with *end*; the rest is kept."""
        with patience():
            while end not in self.data:
                chunk = await self.stream.receive_some()
                assert chunk, f"the server ended after {self.data!r}"
                self.data += chunk
        head, end, self.data = self.data.partition(end)
        return head + end

    async def answer(self, method: str = "GET") -> Response:
        """Return the next final answer, which tells its length."""
        data = b""
        while True:
            data += await self.until(b"\r\n\r\n")
            answer, _ = _parse_one(data, method)
            if answer.status >= 200:
                break
            data = b""
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if answer["Transfer-Encoding"]:
            data += await self._last_chunk()
        else:
            data += await self.exactly(int(answer["Content-Length"] or 0))
        return _parse_one(data, method)[0]

    async def exactly(self, size: int) -> bytes:
        """Return *size* bytes."""
        data = bytearray(self.data)
        with patience():
            while len(data) < size:
                chunk = await self.stream.receive_some()
                assert chunk, f"the server ended {size - len(data)} bytes early"
                data += chunk
        self.data = bytes(data[size:])
        return bytes(data[:size])

    async def _last_chunk(self) -> bytes:
        data = b""
        while True:
            line = await self.until(b"\r\n")
            size = int(line, 16)
            data += line + await self.exactly(size + 2)
            if size == 0:
                return data


@contextlib.asynccontextmanager
async def open_peer(address: Address, buffer: int = 0) -> AsyncIterator[Peer]:
    """Connect to *address*; with a receive buffer of *buffer* bytes, if any."""
    sock = trio.socket.socket(address.family)
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    with sock:
        await sock.connect(address.sockaddr)
        yield Peer(trio.SocketStream(sock))


def _is_open(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


@contextlib.contextmanager
def command(app: Path, *options: str) -> Iterator[tuple[Address, int]]:
    """Run ``resty-py APP`` while the block lasts.

    Yields:
        Where it listens, beside *app*, and its process id.
    """
    path = app.with_suffix(".socket")
    arguments = [sys.executable, "-m", "resty_py", app, "--listen", f"unix:{path}"]
    process = subprocess.Popen([*arguments, *options], stderr=subprocess.DEVNULL)
    try:
        while not _is_open(path):
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"resty-py ended with {process.wait(0.01)}")
        yield Address(socket.AF_UNIX, str(path)), process.pid
    finally:
        process.terminate()
        process.wait(PATIENCE)


@dataclass
class Wire:
    """A served app.

    Attributes:
        worker: the worker that serves it.
        address: where it listens.
        folder: a folder of its own, with the logs in it.
    """

    worker: resty_py.Worker
    address: Address
    folder: Path

    def serve(self, app: Path) -> Address:
        """Answer with *app* at another address, too; return that."""
        with open_listener(ANY_PORT) as listener:
            self.worker.serve(app, listener)
            return listener.address

    @property
    def log(self) -> list[str]:
        """The error log: ``level: message, client: …`` each."""
        return messages((self.folder / "error.log").read_text(errors="replace"))

    @property
    def severe(self) -> list[str]:
        """What the error log holds of level error and worse."""
        return [line for line in self.log if line.startswith(("error", "crit", "al"))]

    def client(self, buffer: int = 0) -> AbstractAsyncContextManager[Peer]:
        """Connect, as :func:`open_peer` does."""
        return open_peer(self.address, buffer)

    async def exchange(self, data: bytes) -> bytes:
        """Send *data* on a connection of its own; return all that comes back."""
        async with self.client() as peer:
            await peer.send(data)
            return await peer.rest()

    async def ask(self, data: bytes, *methods: str) -> list[Response]:
        """As :meth:`exchange`, but return the answers."""
        return parse(await self.exchange(data), *methods)


@contextlib.asynccontextmanager
async def wire(
    lua: str | Path,
    folder: Path,
    flavour: str = "luajit21",
    address: Address = ANY_PORT,
    send_buffer: int = 0,
    **settings: str,
) -> AsyncIterator[Wire]:
    """Serve *lua*, a file or its text, while the block lasts; logs go to *folder*.

    Args:
        send_buffer: bytes that the kernel keeps of an answer, if any.
        settings: limits by the names of nginx's directives.
    """
    limits = resty_py.Limits.parse(f"{k}={value}" for k, value in settings.items())
    async with resty_py.open_worker(
        flavour=flavour,
        error_log=folder / "error.log",
        error_level="info",
        access_log=folder / "access.log",
        root=folder,
        limits=limits,
    ) as worker:
        with open_listener(address) as listener:
            if send_buffer:  # its connections inherit it
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            worker.serve(lua if isinstance(lua, Path) else lua.encode(), listener)
            yield Wire(worker, listener.address, folder)
