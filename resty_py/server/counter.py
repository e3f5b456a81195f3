"""The numbers of connections: ``ngx_connection_counter``.

A worker takes :data:`BLOCK` of them at once, so that a number costs a connection
next to nothing: ``lualib/resty_py/net/connection.lua`` hands them out.
"""

from __future__ import annotations

import fcntl
import mmap
import os

__all__ = ["BLOCK", "Counter", "SharedCounter"]

#: How many numbers are taken at once.
BLOCK = 256

_SIZE = 8


class Counter:
    """Counts for one process, whatever serves in it."""

    def __init__(self) -> None:
        self._last = 0

    def take(self) -> tuple[int, int]:
        """Return the number before a block's first one, and how many there are."""
        before = self._last
        self._last += BLOCK
        return before, BLOCK


class SharedCounter(Counter):
    """Counts for all forks of the process that makes it.

    The lock is one that the kernel takes from a process that is killed.

    Raises:
        OSError: there are no more descriptors.
    """

    def __init__(self) -> None:
        self._fd = os.memfd_create("connection counter")
        os.ftruncate(self._fd, _SIZE)
        self._words = memoryview(mmap.mmap(self._fd, _SIZE)).cast("q")

    def take(self) -> tuple[int, int]:
        """Return the number before a block's first one, and how many there are."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)
        try:
            before = self._words[0]
            self._words[0] = before + BLOCK
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)
        return before, BLOCK
