"""Peers of cosockets, which do as the Lua side tells them.

A puppet reads commands, one a line, from the very connection it talks on, so a
Lua test says itself what its peer does, and when:

    say TEXT      send TEXT, with Python's backslash escapes
    drip TEXT     send it byte by byte
    zeros N       send N bytes
    flood N       send N bytes that are not all the same: pattern(N)
    sndbuf N      send through a kernel buffer of this size from now on
    echo N        send back the next N bytes, as they come
    count N       read N bytes and answer "N\\n"
    digest N      read N bytes and answer their MD5 in hex and "\\n"
    fin           send FIN and go on reading
    close         close
    reset         close with RST
    hush          read no more
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import socket
import struct
import tempfile
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    Script = Callable[[trio.SocketStream], Awaitable[None]]

#: l_onoff, l_linger: close() sends RST.
_RST_ON_CLOSE = struct.pack("ii", 1, 0)

#: A kernel buffer as little as Linux gives.
_LEAST_BUFFER = 1


class Puppet:
    """One connection whose peer tells us what to do."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def run(self) -> None:
        """Obey until the peer leaves or says so."""
        async with self._stream:
            with contextlib.suppress(trio.BrokenResourceError):
                while line := await self._line():
                    command, _, argument = line.partition(" ")
                    await getattr(self, f"_do_{command}", self._ignore)(argument)

    async def _more(self) -> bool:
        data = await self._stream.receive_some()
        self._buffer += data
        return bool(data)

    async def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if not await self._more():
                return ""
        line = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 1]
        return line

    async def _ignore(self, _argument: str) -> None:
        """Do nothing about a line that is no command."""

    async def _do_say(self, text: str) -> None:
        await self._stream.send_all(_unescape(text))

    async def _do_drip(self, text: str) -> None:
        for byte in _unescape(text):
            await self._stream.send_all(bytes([byte]))

    async def _do_zeros(self, number: str) -> None:
        await self._stream.send_all(bytes(int(number)))

    async def _do_flood(self, number: str) -> None:
        await self._stream.send_all(pattern(int(number)))

    async def _do_sndbuf(self, size: str) -> None:
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, int(size))

    async def _do_echo(self, number: str) -> None:
        left = int(number)
        while left and (self._buffer or await self._more()):
            taken = bytes(self._buffer[:left])
            del self._buffer[:left]
            left -= len(taken)
            await self._stream.send_all(taken)

    async def _take(self, number: int) -> bytes:
        while len(self._buffer) < number and await self._more():
            pass
        taken = bytes(self._buffer[:number])
        del self._buffer[:number]
        return taken

    async def _do_count(self, number: str) -> None:
        taken = await self._take(int(number))
        await self._stream.send_all(f"{len(taken)}\n".encode())

    async def _do_digest(self, number: str) -> None:
        taken = await self._take(int(number))
        await self._stream.send_all(f"{digest(taken)}\n".encode())

    async def _do_fin(self, _argument: str) -> None:
        await self._stream.send_eof()

    async def _do_close(self, _argument: str) -> None:
        await self._stream.aclose()

    async def _do_reset(self, _argument: str) -> None:
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        await self._stream.aclose()

    async def _do_hush(self, _argument: str) -> None:
        await trio.sleep_forever()


def _unescape(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def pattern(size: int) -> bytes:
    """Return *size* bytes of all values, in an order with a long period."""
    block = bytes(i * i % 251 for i in range(65_521))
    return (block * (size // len(block) + 1))[:size]


def digest(data: bytes) -> str:
    """Return what the command ``digest`` answers."""
    return hashlib.md5(data).hexdigest()


async def puppet(stream: trio.SocketStream) -> None:
    """Obey the peer of *stream*."""
    with contextlib.suppress(trio.ClosedResourceError):
        await Puppet(stream).run()


async def close_at_once(stream: trio.SocketStream) -> None:
    """Close the connection that was just made."""
    await stream.aclose()


def listening(
    family: int = socket.AF_INET, address: object = None, buffer: int | None = None
) -> socket.socket:
    """Return a listening socket on *address*, or on a free port.

    Args:
        buffer: size of the receive buffers of its connections.
    """
    sock = socket.socket(family)
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    sock.bind(address or (host, 0))
    sock.listen(128)
    return sock


@contextlib.contextmanager
def refused_port():
    """Yield a port that nobody listens on: one that is bound and no more."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def unaccepting_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield a port whose backlog is full: connections to it never come about."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket())
        sock.bind((host, port))
        sock.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            code = client.connect_ex(sock.getsockname())
            assert code in (0, errno.EINPROGRESS)
        yield sock.getsockname()[1]


def serve_stream(sock: socket.socket, script: Script, nursery: trio.Nursery) -> None:
    """Run *script* on every connection to *sock*, in *nursery*."""
    sock.setblocking(False)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    nursery.start_soon(trio.serve_listeners, script, [listener])


async def echo_datagrams(sock: trio.socket.SocketType) -> None:
    """Send every datagram back; ``twice`` comes back two times."""
    while True:
        data, address = await sock.recvfrom(65536)
        for _ in range(2 if data == b"twice" else 1):
            await sock.sendto(data, address)


@contextlib.asynccontextmanager
async def open_peers() -> AsyncIterator[dict[str, int | str]]:
    """Run every kind of peer; yield where: a port, or the path of a socket."""
    async with contextlib.AsyncExitStack() as stack:
        unix = f"{stack.enter_context(tempfile.TemporaryDirectory())}/peer.sock"
        nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(nursery.cancel_scope.cancel)
        streams = {
            "puppet": (listening(), puppet),
            "small": (listening(buffer=_LEAST_BUFFER), puppet),
            "puppet6": (listening(socket.AF_INET6), puppet),
            "unix": (listening(socket.AF_UNIX, unix), puppet),
            "close": (listening(), close_at_once),
        }
        places: dict[str, int | str] = {}
        for name, (sock, script) in streams.items():
            serve_stream(sock, script, nursery)
            places[name] = _place(sock)
        places["refused"] = stack.enter_context(refused_port())
        places["unaccepting"] = stack.enter_context(unaccepting_port())
        for name in ("udp", "mute"):
            sock = stack.enter_context(trio.socket.socket(type=socket.SOCK_DGRAM))
            await sock.bind(("127.0.0.1", 0))
            places[name] = _place(sock)
            if name == "udp":
                nursery.start_soon(echo_datagrams, sock)
        yield places


def _place(sock: socket.socket | trio.socket.SocketType) -> int | str:
    name = sock.getsockname()
    return name if isinstance(name, str) else name[1]
