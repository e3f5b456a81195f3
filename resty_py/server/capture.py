"""Lines of the error log that Lua code reads: ``lua_capture_error_log``.

What the directive gives in bytes is shared by the lines and what is noted of
each; where it does not suffice the oldest lines go (``ngx_http_lua_log_ringbuf``).
"""

from __future__ import annotations

from collections import deque

__all__ = ["Capture"]

#: Bytes that are noted of a line: its length, level and time.
HEADER = 16

#: The least severe level of all: ``ngx.DEBUG``.
DEBUG = 8


class Capture:
    """The captured lines of a worker.

    Args:
        size: in bytes.

    Attributes:
        level: the least severe level that is captured.
    """

    def __init__(self, size: int) -> None:
        self.level = DEBUG
        self._size = size
        self._free = size
        self._lines: deque[tuple[int, float, bytes]] = deque()

    def add(self, level: int, time: float, line: bytes) -> None:
        """Keep a line, at the cost of the oldest ones; not if it is too long."""
        need = len(line) + HEADER
        if level > self.level or need > self._size:
            return
        while self._free < need:
            self._drop()
        self._free -= need
        self._lines.append((level, int(time * 1000) / 1000, line))

    def take(self) -> tuple[int, float, bytes] | None:
        """Return the oldest line with its level and time, and forget it."""
        return self._drop() if self._lines else None

    def _drop(self) -> tuple[int, float, bytes]:
        oldest = self._lines.popleft()
        self._free += len(oldest[2]) + HEADER
        return oldest
