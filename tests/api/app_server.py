"""A Lua app served by a worker in this process, and raw sockets to ask it.

``serving(lua)`` yields an :class:`App`; ``app.request(data)`` sends bytes, says
that no more come, and returns all bytes of the answer.
"""

from __future__ import annotations

import contextlib
import re
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio

import resty_py
from resty_py.server.listeners import Address, open_listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: No answer within this is a defect; nothing waits for it to pass.
PATIENCE = 10

_ANY_PORT = Address(socket.AF_INET, "127.0.0.1", 0)
_LOG_HEAD = re.compile(r"^[\d/]{10} [\d:]{8} \[(\w+)\] \d+#\d+: (?:\*\d+ )?", re.M)


@dataclass
class App:
    """A served app.

    Attributes:
        port: where it listens on 127.0.0.1.
        worker: the running worker.
        folder: a folder of its own.
    """

    port: int
    worker: resty_py.Worker
    folder: Path

    @property
    def log(self) -> str:
        """The error log so far; each line begins with ``level: ``."""
        text = (self.folder / "error.log").read_text(errors="replace")
        return _LOG_HEAD.sub(r"\1: ", text)

    async def request(self, data: bytes) -> bytes:
        """Send *data* on a connection of its own; return all that comes back."""
        return await exchange(self.port, data)

    async def get(self, target: str = "/", *headers: str) -> bytes:
        """Ask for *target*; return the body, without chunk framing."""
        lines = [f"GET {target} HTTP/1.1", "Host: test", *headers, "", ""]
        return body(await self.request("\r\n".join(lines).encode("latin-1")))

    async def say(self, *headers: str) -> list[str]:
        """Return the lines that the app says to a plain request."""
        return (await self.get("/", *headers)).decode("latin-1").splitlines()


async def exchange(port: int, data: bytes) -> bytes:
    """Send *data* and an end to *port*; return all bytes of the answer."""
    answer = b""
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(data)
                await stream.send_eof()
                async for chunk in stream:
                    answer += chunk
    return answer


def split(answer: bytes) -> tuple[list[str], bytes]:
    """Return the lines of an answer's head, and its body."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if any(line.lower() == "transfer-encoding: chunked" for line in lines):
        rest = _dechunked(rest)
    return lines, rest


def body(answer: bytes) -> bytes:
    """Return the body of an answer, without chunk framing."""
    return split(answer)[1]


def header(answer: bytes, name: str) -> list[str]:
    """Return the values of the header *name* of an answer."""
    fields = (line.partition(": ") for line in split(answer)[0][1:])
    return [value for key, _, value in fields if key.lower() == name.lower()]


def _dechunked(data: bytes) -> bytes:
    pieces = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(rest[:length])
        data = rest[length + 2 :] if length else b""
    return b"".join(pieces)


@contextlib.asynccontextmanager
async def serving(
    lua: str, flavour: str = "luajit21", level: str = "info", **settings: str
) -> AsyncIterator[App]:
    """Serve *lua*, source text, while the block lasts.

    Args:
        flavour: the Lua flavour's name.
        level: the least severe level that is logged.
        settings: limits by the names of nginx's directives.
    """
    limits = resty_py.Limits.parse(f"{k}={value}" for k, value in settings.items())
    with tempfile.TemporaryDirectory(prefix="resty-py-app-") as name:
        folder = Path(name)
        async with resty_py.open_worker(
            flavour=flavour,
            error_log=folder / "error.log",
            error_level=level,
            root=folder,
            limits=limits,
        ) as worker:
            with open_listener(_ANY_PORT) as listener:
                worker.serve(lua.encode("latin-1"), listener)
                yield App(listener.address.port, worker, folder)
