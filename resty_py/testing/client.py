"""The client: sends a request in pieces and takes all that comes back.

Follows Test::Nginx::Socket: it reads and writes as the socket allows, until the
server closes the connection or nothing happens for the block's ``timeout``.
With ``abort`` a timeout is what the block wants; else it fails the block.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .request import Piece

__all__ = ["Answer", "ConnectError", "exchange"]

#: Seconds in which a server that does not listen yet may begin to.
CONNECT_PATIENCE = 3.0
_CONNECT_PAUSE = 0.02
_CHUNK = 1 << 16


class ConnectError(Exception):
    """Nobody listens; the text says where."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        data: all bytes.
        timed_out: whether nothing happened for too long.
        error: what went wrong on the socket, or an empty text.
    """

    data: bytes
    timed_out: bool = False
    error: str = ""


def _connect(host: str, port: int) -> socket.socket:
    deadline = time.monotonic() + CONNECT_PATIENCE
    while True:
        try:
            return socket.create_connection((host, port), CONNECT_PATIENCE)
        except OSError as exc:
            if time.monotonic() > deadline:
                raise ConnectError(f"Can't connect to {host}:{port}: {exc}") from None
            time.sleep(_CONNECT_PAUSE)


def exchange(
    address: tuple[str, int],
    pieces: Sequence[Piece],
    timeout: float,
    shutdown: int | None = None,
) -> Answer:
    """Send pieces of bytes and return all that comes back.

    Args:
        address: of the server.
        pieces: what is sent.
        timeout: seconds without anything that are too many.
        shutdown: how to shut the socket down when all has been sent, or None.

    Raises:
        ConnectError: nobody listens.
    """
    sock = _connect(*address)
    with contextlib.closing(sock), selectors.DefaultSelector() as selector:
        sock.setblocking(False)
        return _Exchange(sock, selector, list(pieces), shutdown).run(timeout)


class _Exchange:
    """One connection."""

    def __init__(
        self,
        sock: socket.socket,
        selector: selectors.BaseSelector,
        pieces: list[Piece],
        shutdown: int | None,
    ) -> None:
        self._socket = sock
        self._selector = selector
        self._pieces = pieces
        self._rest = b""
        self._shutdown = shutdown
        self._received = bytearray()
        self._error = ""

    def run(self, timeout: float) -> Answer:
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.register(self._socket, both)
        while True:
            events = self._selector.select(timeout)
            if not events:
                return Answer(bytes(self._received), timed_out=True)
            if events[0][1] & selectors.EVENT_READ and not self._read():
                break
            if events[0][1] & selectors.EVENT_WRITE and not self._write():
                break
        return Answer(bytes(self._received), error=self._error)

    def _read(self) -> bool:
        """Take what there is; tell whether the connection goes on."""
        try:
            while data := self._socket.recv(_CHUNK):
                self._received += data
        except BlockingIOError:
            return True
        except OSError as exc:
            self._error = f"read failed: {exc.strerror}"
        return False

    def _write(self) -> bool:
        """Send what the socket takes; tell whether the connection goes on."""
        try:
            while self._rest or self._next_piece():
                sent = self._socket.send(self._rest)
                self._rest = self._rest[sent:]
        except BlockingIOError:
            return True
        except OSError as exc:
            self._error = f"write failed: {exc.strerror}"
            return False
        if self._shutdown is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(self._shutdown)
        self._selector.modify(self._socket, selectors.EVENT_READ)
        return True

    def _next_piece(self) -> bool:
        while self._pieces and not self._rest:
            piece = self._pieces.pop(0)
            if piece.delay:
                time.sleep(piece.delay)
            self._rest = piece.data
        return bool(self._rest)
