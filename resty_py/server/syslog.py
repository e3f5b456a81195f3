"""Lines for a syslog server: ``ngx_syslog.c``.

A line is a datagram, ``<190>Nov 29 12:00:00 host nginx: …``. What cannot be sent
is lost, which is said once; the socket is made anew for the next line.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

from .log import ALERT, failed_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conf.settings import Syslog

__all__ = ["SyslogFile"]

#: The longest line with what comes before it: NGX_SYSLOG_MAX_STR.
MAX_SIZE = 4096


class SyslogFile:
    """A syslog server, where a log would have a file.

    Args:
        where: the server, and how it is spoken to.
        wall: the wall clock, in seconds since the epoch.

    Attributes:
        complain: is told, once, that a line was lost.
        is_stderr: False, as it is no file.
        path: None, as it has none.
        fd: -1, as it is no file.
    """

    is_stderr = False
    path = None
    fd = -1

    def __init__(self, where: Syslog, wall: Callable[[], float] = time.time) -> None:
        self.complain: Callable[[int, bytes], None] | None = None
        self._where = where
        self._wall = wall
        self._host = f" {socket.gethostname()}" if where.has_hostname else ""
        self._socket: socket.socket | None = None
        self._is_failing = False

    def append(self, level: int | None, line: bytes) -> None:
        """Send a line; never raises OSError.

        Args:
            level: that of an error log's line, or None for the one configured.
            line: the line with its line feed.
        """
        severity = self._where.severity if level is None else max(level - 1, 0)
        head = self._head(severity)
        try:
            self._connected().send((head + line.rstrip(b"\n"))[:MAX_SIZE])
            self._is_failing = False
        except OSError as exc:
            self._fail(exc)

    def _head(self, severity: int) -> bytes:
        where = self._where
        now = time.localtime(self._wall())
        date = f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {time.strftime('%T', now)}"
        priority = where.facility * 8 + severity
        return os.fsencode(f"<{priority}>{date}{self._host} {where.tag}: ")

    def _connected(self) -> socket.socket:
        if self._socket is None:
            address = self._where.server
            sock = socket.socket(address.family, socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.connect(address.sockaddr)
            except OSError:
                sock.close()
                raise
            self._socket = sock
        return self._socket

    def _fail(self, exc: OSError) -> None:
        self.close()
        was_failing, self._is_failing = self._is_failing, True
        if not was_failing and self.complain is not None:
            call = f"send() to syslog server {self._where.server}"
            self.complain(ALERT, failed_call(call, exc))

    def reopen(self, _owner: tuple[int, int] | None = None) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Close the socket."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()


_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
