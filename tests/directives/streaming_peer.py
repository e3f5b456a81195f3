"""What bodies that come little by little are sent to: a server that looks at how.

What it does with a body is the first part of the path: a method of the server's. A
gap of :data:`GAP` seconds tells one piece of a body from the next;
``/seen_before`` answers with what became of the body before.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["GAP", "streaming_peer"]

GAP = 0.03

#: How long it waits for what may never come.
PATIENCE = 5

ANSWER = b"HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: 6\r\n\r\nearly\n"
OLD_HEAD = b"HTTP/1.1 200 OK\r\nX-Up: 1\r\n\r\n"


class _Body:
    """A request body as it comes off a socket."""

    def __init__(self, sock: socket.socket, head: bytes, rest: bytes) -> None:
        self._sock = sock
        self._rest = rest
        lower = head.lower()
        self.is_chunked = b"transfer-encoding: chunked" in lower
        length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        self.left = int(length or 0)
        self.is_whole = not self.is_chunked and self.left == 0

    def _bytes(self, count: int) -> bytes:
        """Return that many bytes, or fewer at the end."""
        while len(self._rest) < count:
            data = self._sock.recv(1 << 16)
            if not data:
                break
            self._rest += data
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n") and (byte := self._bytes(1)):
            line += byte
        return line

    def piece(self) -> bytes:
        """Return what comes next, or nothing."""
        if self.is_whole:
            return b""
        if self.is_chunked:
            size = int(self._line() or b"0", 16)
            data = self._bytes(size)
            end = self._bytes(2)
            self.is_whole = size == 0 and end == b"\r\n"
            return data
        if not self._rest:
            self._rest = self._sock.recv(1 << 16)
        data, self._rest = self._rest, b""
        self.left -= len(data)
        self.is_whole = self.left == 0
        return data

    def all(self) -> tuple[bytes, int, float]:
        """Return the rest, in how many pieces it came, and when the last did."""
        data, pieces, last = b"", 0, 0.0
        while piece := self.piece():
            now = time.monotonic()
            pieces += now - last > GAP
            data, last = data + piece, now
        return data, pieces, last


class _Server:
    """Serves one request after the other, each on a connection of its own."""

    def __init__(self) -> None:
        self._seen = b"nothing"
        self._open: set[socket.socket] = set()

    def serve(self, sock: socket.socket) -> None:
        self._open.add(sock)
        try:
            self._answer(sock)
        finally:
            self._open.discard(sock)

    def _answer(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(1 << 16)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            way = head.split(b" ", 2)[1].split(b"/")[1].split(b"?")[0].decode()
            body = _Body(sock, head + b"\r\n", rest)
            getattr(self, f"_{way}")(sock, head, body)

    def _told(self, sock: socket.socket, head: bytes, body: _Body) -> None:
        """Answer with what has come."""
        data, pieces, _ = body.all()
        shown = data if len(data) < 100 else b"%d bytes" % len(data)
        whole = b"whole" if body.is_whole else b"broken off"
        self._seen = b"%b in %d pieces, %b" % (shown, pieces, whole)
        text = b"\r\n".join([head.replace(b"\r\n", b"\\r\n\n"), self._seen, b""])
        sock.sendall(OLD_HEAD + text)

    def _seen_before(self, sock: socket.socket, _head: bytes, _body: _Body) -> None:
        """Tell of the one before, when it is over."""
        limit = time.monotonic() + PATIENCE
        while len(self._open) > 1 and time.monotonic() < limit:
            time.sleep(0.005)
        sock.sendall(OLD_HEAD + self._seen + b"\n")

    def _early(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        """Answer at once, then look at what comes."""
        sock.sendall(ANSWER)
        data, _, _ = body.all()
        whole = b"whole" if body.is_whole else b"broken off"
        self._seen = b"early, then %b, %b" % (data[:100], whole)

    def _early_end(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        """Answer after the first piece and hang up."""
        body.piece()
        sock.sendall(ANSWER)
        sock.shutdown(socket.SHUT_WR)
        time.sleep(3 * GAP)

    def _duplex(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        """Send each piece back as it comes."""
        sock.sendall(OLD_HEAD)
        while piece := body.piece():
            sock.sendall(piece.upper())
        time.sleep(GAP)
        sock.sendall(b"end\n" if body.is_whole else b"broken off\n")

    def _busy(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        body.piece()
        sock.sendall(ANSWER.replace(b"200 OK", b"503 Busy"))

    def _hangs_up(self, _sock: socket.socket, _head: bytes, body: _Body) -> None:
        body.piece()
        body.piece()

    def _resets(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        body.piece()
        body.piece()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _mute(self, sock: socket.socket, _head: bytes, body: _Body) -> None:
        """Take all and say nothing."""
        body.all()
        sock.recv(1)

    def _deaf(self, _sock: socket.socket, _head: bytes, _body: _Body) -> None:
        """Take nothing and say nothing."""
        time.sleep(2)


def _accept(listener: socket.socket, server: _Server) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listener.accept()
            sock.settimeout(PATIENCE)
            threading.Thread(target=server.serve, args=(sock,), daemon=True).start()


@contextlib.contextmanager
def streaming_peer(ports: Mapping[str, int]) -> Iterator[None]:
    """Answer on PORT8 meanwhile."""
    address = ("127.0.0.1", ports["PORT8"])
    with socket.create_server(address, reuse_port=True) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        thread = threading.Thread(
            target=_accept, args=(listener, _Server()), daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
