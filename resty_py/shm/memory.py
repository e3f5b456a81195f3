"""The mapping of a zone, as words, doubles and bytes."""

from __future__ import annotations

import copy
import ctypes
import errno
import mmap
import os
from typing import TYPE_CHECKING

from .layout import (
    BUCKETS,
    CAPACITY,
    DATA,
    DESCRIPTOR,
    FIRST_PAGE,
    HASH_CHECK,
    MAGIC,
    MAGIC_NUMBER,
    MASK,
    MAX_LENGTH,
    NEWER,
    NEXT,
    OLDER,
    PAGES,
    PREVIOUS,
    QUEUE,
    TABLE,
    VERSION,
    VERSION_NUMBER,
    Shape,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Memory", "hash_address", "hash_of"]

#: What is hashed to find out whether another process hashes alike.
_PROBE = b"resty_py.shm"


def hash_of(key: bytes) -> int:
    """Return the hash of a key, a signed word.

    It is the low half of Python's own hash of bytes: keyed, at random for each
    process and its forks, so nobody outside can choose keys that collide.
    """
    value = hash(key) & 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


def hash_address() -> int | None:
    """Return where the C function behind :func:`hash_of` is, or None.

    It takes bytes and their number, and needs none of Python's locks.
    """
    for name in ("Py_HashBuffer", "_Py_HashBytes"):
        function: Callable[..., int] | None = getattr(ctypes.pythonapi, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]
    return None


def _map(length: int, capacity: int) -> mmap.mmap:
    call = f"mmap(MAP_ANON|MAP_SHARED, {capacity})"
    if length > MAX_LENGTH:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), call)
    try:
        return mmap.mmap(-1, length)
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, call) from None


class Memory:
    """A new, empty zone in memory shared with the processes forked later.

    Args:
        capacity: the declared size.

    Attributes:
        words, doubles, octets: the mapping as int32, double, bytes.
        address, length: where it is, in bytes.
        pages, buckets, mask, data: as the header has them.

    Raises:
        OSError: there is not that much memory; its file name is nginx's call.
    """

    def __init__(self, capacity: int) -> None:
        shape = Shape(capacity)
        self._map = _map(shape.length, capacity)
        self._see(memoryview(self._map))
        self.length = shape.length
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.pages = shape.pages
        self.buckets = shape.first_bucket
        self.mask = shape.buckets - 1
        self.data = shape.data
        self._write_header(capacity)
        self._write_lists()

    def copy(self, length: int) -> Memory:
        """Return a copy of the first *length* bytes, which is to be read."""
        other = copy.copy(self)
        other._see(memoryview(bytes(self.octets[:length])))
        return other

    def _see(self, octets: memoryview) -> None:
        self.octets = octets
        self.words = octets.cast("i")
        self.doubles = octets.cast("d")

    def _write_header(self, capacity: int) -> None:
        words = self.words
        words[MAGIC] = MAGIC_NUMBER
        words[VERSION] = VERSION_NUMBER
        words[PAGES] = self.pages
        words[BUCKETS], words[MASK] = self.buckets, self.mask
        words[DATA] = self.data
        words[HASH_CHECK] = hash_of(_PROBE)
        self.doubles[CAPACITY] = capacity
        words[2 * QUEUE + NEWER] = words[2 * QUEUE + OLDER] = QUEUE

    def _write_lists(self) -> None:
        """Write empty lists of pages."""
        for head in range(FIRST_PAGE):
            at = TABLE + head * DESCRIPTOR
            self.words[at + NEXT] = self.words[at + PREVIOUS] = head
