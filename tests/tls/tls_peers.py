"""Peers of cosockets that speak TLS, or pretend to.

The puppets of ``tests/peers.py`` over TLS know some more commands:

    who         answer version, whether a session was resumed, SNI, and the
                subject of the client's certificate
    raw TEXT    send TEXT past TLS
    notify      send close_notify and go on
    cut         close without close_notify
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING

import trio
from peers import Puppet, _unescape, listening, open_peers, serve_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from authority import Authority

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class TlsPuppet(Puppet):
    """A puppet over TLS; what it has been told of SNI is in *names*."""

    def __init__(self, stream: trio.SSLStream, names: dict) -> None:
        super().__init__(stream)
        self._names = names

    async def _do_who(self, _argument: str) -> None:
        tls = self._stream
        subject = dict(x[0] for x in (tls.getpeercert() or {}).get("subject", ()))
        shown = subject.get("organizationalUnitName", "-").partition(" ")[0]
        name = self._names.get(tls._ssl_object, "-")
        line = f"{tls.version()} {tls.session_reused} {name} {shown}\n"
        await tls.send_all(line.encode())

    async def _do_raw(self, text: str) -> None:
        await self._stream.transport_stream.send_all(_unescape(text))

    async def _do_notify(self, _argument: str) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._stream._ssl_object.unwrap()
        alert = self._stream._outgoing.read()
        await self._stream.transport_stream.send_all(alert)

    async def _do_cut(self, _argument: str) -> None:
        await self._stream.transport_stream.aclose()

    async def _do_reset(self, _argument: str) -> None:
        transport = self._stream.transport_stream
        transport.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        await transport.aclose()


class Drip(trio.abc.HalfCloseableStream):
    """A stream whose bytes leave one by one, each in a segment of its own."""

    def __init__(self, stream: trio.SocketStream) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._stream = stream

    async def send_all(self, data: bytes) -> None:
        """Send *data* slowly."""
        for byte in bytes(data):
            await self._stream.send_all(bytes([byte]))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Send FIN."""
        await self._stream.send_eof()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what comes."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()


class Cut(Drip):
    """A stream that ends when it has sent so many bytes, by FIN or RST."""

    def __init__(self, stream: trio.SocketStream, left: int, reset: bool) -> None:
        super().__init__(stream)
        self._left = left
        self._reset = reset

    async def send_all(self, data: bytes) -> None:
        """Send what may be sent of *data*; close when that is all."""
        taken = bytes(data)[: self._left]
        self._left -= len(taken)
        await self._stream.send_all(taken)
        if not self._left:
            if self._reset:
                self._stream.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE
                )
            await self._stream.aclose()
            raise trio.BrokenResourceError


def puppet(context: ssl.SSLContext, wrap=lambda stream: stream):
    """Return a script: a puppet over TLS, over what *wrap* makes of the stream."""
    names: dict = {}

    def note(ssl_object, name, _context):
        names[ssl_object] = name or "-"

    context.sni_callback = note

    async def run(stream: trio.SocketStream) -> None:
        tls = trio.SSLStream(wrap(stream), context, server_side=True)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await tls.do_handshake()
            await TlsPuppet(tls, names).run()
        await trio.aclose_forcefully(tls)

    return run


def cut(context: ssl.SSLContext, size: int, *, reset: bool = False):
    """Return a script that goes away when it has sent *size* bytes."""

    async def run(stream: trio.SocketStream) -> None:
        if size == 0:
            await stream.receive_some()
            await stream.aclose()
            return
        tls = trio.SSLStream(Cut(stream, size, reset), context, server_side=True)
        with contextlib.suppress(trio.BrokenResourceError):
            await tls.do_handshake()
            await tls.send_all(b"x" * 100)
        await trio.aclose_forcefully(tls)

    return run


def answering(data: bytes):
    """Return a script that answers whatever comes first with *data*, and waits."""

    async def run(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(data)
            while await stream.receive_some():
                pass
        await stream.aclose()

    return run


async def leave(stream: trio.SocketStream) -> None:
    """Answer what comes first with FIN."""
    await stream.receive_some()
    await stream.aclose()


async def reset(stream: trio.SocketStream) -> None:
    """Answer what comes first with RST."""
    await stream.receive_some()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    await stream.aclose()


def _contexts(authority: Authority) -> dict[str, ssl.SSLContext]:
    contexts = {
        name: authority.context(getattr(authority, name))
        for name in ("server", "chained", "expired", "selfsigned")
    }
    contexts["tls"] = contexts.pop("server")
    contexts["tls12"] = authority.context()
    contexts["tls12"].maximum_version = ssl.TLSVersion.TLSv1_2
    contexts["tls13"] = authority.context()
    contexts["tls13"].minimum_version = ssl.TLSVersion.TLSv1_3
    contexts["demanding"] = authority.context()
    contexts["demanding"].verify_mode = ssl.CERT_REQUIRED
    contexts["demanding"].maximum_version = ssl.TLSVersion.TLSv1_2
    contexts["demanding"].load_verify_locations(authority.ca)
    contexts["curious"] = authority.context()
    contexts["curious"].verify_mode = ssl.CERT_OPTIONAL
    contexts["curious"].load_verify_locations(authority.ca)
    return contexts


@contextlib.asynccontextmanager
async def open_tls_peers(authority: Authority) -> AsyncIterator[dict[str, int | str]]:
    """Run the peers of ``open_peers`` and those here; yield where."""
    scripts = {name: puppet(c) for name, c in _contexts(authority).items()}
    scripts |= {
        "drip": puppet(authority.context(), Drip),
        "garbage": answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "alert": answering(b"\x15\x03\x03\x00\x02\x02\x28"),
        "mute_tls": answering(b""),
        "resetting": reset,
        "leaving": leave,
    }
    async with open_peers() as places, trio.open_nursery() as nursery:
        for name, script in scripts.items():
            sock = listening()
            serve_stream(sock, script, nursery)
            places[name] = sock.getsockname()[1]
        path = f"{places['unix']}.tls"
        serve_stream(
            listening(socket.AF_UNIX, path), puppet(authority.context()), nursery
        )
        places["unix_tls"] = path
        yield places
        nursery.cancel_scope.cancel()


@contextlib.asynccontextmanager
async def peer(script) -> AsyncIterator[int]:
    """Run one peer; yield its port."""
    async with trio.open_nursery() as nursery:
        sock = listening()
        serve_stream(sock, script, nursery)
        yield sock.getsockname()[1]
        nursery.cancel_scope.cancel()
