"""System calls on descriptors for flavours without FFI, and the poller's epoll.

The interface is described in ``lualib/resty_py/sys/init.lua``; its FFI half
does the same without Python. Descriptors are plain integers that Lua owns.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from typing import TYPE_CHECKING, Any

from ..vm import strerror

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Poller"]

_READABLE = select.EPOLLIN | select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP
_WRITABLE = select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP
_ENDED = select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP
_INTEREST = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

#: What would block is no failure: it has no number that could be taken for one.
_AGAIN = (None, b"again")

#: Events taken from the kernel at once: nginx's epoll_events, 512.
MAX_EVENTS = 512


def _answer(exc: OSError) -> tuple[Any, ...]:
    if isinstance(exc, (BlockingIOError, InterruptedError)):
        return _AGAIN
    code = exc.errno or errno.EIO
    return None, strerror(code), code


class Poller:
    """The epoll instance of a worker, readable itself when it has events.

    Attributes:
        fd: its descriptor, for ``trio.lowlevel.wait_readable``.
    """

    def __init__(self, *, prefer_ffi: bool = True) -> None:
        self._epoll = select.epoll()
        self.fd = self._epoll.fileno()
        self._prefer_ffi = prefer_ffi
        self._events: list[tuple[int, int]] = []

    def close(self) -> None:
        """Close the epoll instance."""
        self._epoll.close()

    def renew(self) -> None:
        """Be an empty instance under the same number: this process is a fork."""
        with select.epoll() as fresh:
            os.dup2(fresh.fileno(), self.fd, inheritable=False)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``sys``."""
        return {
            "epoll_fd": lambda: self.fd,
            "prefer_ffi": lambda: self._prefer_ffi,
            "recv": recv,
            "peek": peek,
            "send": send,
            "accept": accept,
            "close": os.close,
            "shutdown_write": shutdown_write,
            "register": self.register,
            "wait": self._wait,
            "next_event": self._next_event,
        }

    def register(self, fd: int) -> bool:
        """Watch *fd*, edge-triggered, for everything."""
        self._epoll.register(fd, _INTEREST)
        return True

    def _wait(self) -> int:
        # next_event takes from the end: the first event comes last.
        self._events = self._epoll.poll(0, MAX_EVENTS)[::-1]
        return len(self._events)

    def _next_event(self) -> tuple[int, bool, bool, bool]:
        fd, flags = self._events.pop()
        return (
            fd,
            bool(flags & _READABLE),
            bool(flags & _WRITABLE),
            bool(flags & _ENDED),
        )


def _borrow(fd: int) -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)


def recv(fd: int, size: int) -> Any:
    """Receive up to *size* bytes; ``b""`` is the end of the stream."""
    try:
        return os.read(fd, size)
    except OSError as exc:
        return _answer(exc)


def peek(fd: int, size: int = 1) -> Any:
    """Look at up to *size* bytes without taking them."""
    sock = _borrow(fd)
    try:
        return sock.recv(size, socket.MSG_PEEK)
    except OSError as exc:
        return _answer(exc)
    finally:
        sock.detach()


def send(fd: int, data: bytes, start: int) -> Any:
    """Send *data* from its 1-based index *start*; return the bytes sent.

    Python ignores SIGPIPE, so a plain write is a send with MSG_NOSIGNAL.
    """
    try:
        return os.write(fd, memoryview(data)[start - 1 :] if start > 1 else data)
    except OSError as exc:
        return _answer(exc)


def shutdown_write(fd: int) -> None:
    """Send FIN; a peer that is gone already is no error."""
    sock = _borrow(fd)
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError as exc:
        if exc.errno != errno.ENOTCONN:
            raise
    finally:
        sock.detach()


def accept(fd: int) -> Any:
    """Accept a connection: its descriptor and the peer's raw sockaddr."""
    listener = socket.socket(fileno=fd)
    try:
        accepted, address = listener.accept()
    except OSError as exc:
        return _answer(exc)
    finally:
        listener.detach()
    accepted.setblocking(False)
    return accepted.detach(), _raw_address(accepted.family, address)


def _raw_address(family: int, address: Any) -> bytes:
    head = struct.pack("=H", family)
    if family == socket.AF_INET:
        port = struct.pack("!H", address[1])
        return head + port + socket.inet_aton(address[0]) + bytes(8)
    if family == socket.AF_INET6:
        port = struct.pack("!HI", address[1], 0)
        return head + port + socket.inet_pton(family, address[0]) + bytes(4)
    return head
