"""Data over TLS for flavours without FFI: what ``tls/ffi.lua`` does elsewhere.

The interface is described in ``lualib/resty_py/tls/init.lua``.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import c_char
from typing import Any

from ...vm import strerror
from .connection import (
    ERROR_SYSCALL,
    ERROR_WANT_READ,
    ERROR_WANT_WRITE,
    ERROR_ZERO_RETURN,
)
from .library import load

__all__ = ["failure", "peek", "read", "write"]

#: The most plaintext in a record: SSL3_RT_MAX_PLAIN_LENGTH.
RECORD_SIZE = 16384

_WAITS = {ERROR_WANT_READ: b"again", ERROR_WANT_WRITE: b"write"}
_WRITE_WAITS = {ERROR_WANT_WRITE: b"again", ERROR_WANT_READ: b"read"}


class _Memory(threading.local):
    """Where records are read to: a thread's own, for others run meanwhile."""

    def __init__(self) -> None:
        self.buffer = (c_char * RECORD_SIZE)()
        self.view = memoryview(self.buffer).cast("B")


_memory = _Memory()


def read(ssl: float, size: float) -> Any:
    """Return what a record has left, at most *size* bytes."""
    return _read("SSL_read", ssl, size)


def peek(ssl: float) -> Any:
    """Return the next byte, which stays unread."""
    return _read("SSL_peek", ssl, 1)


def _read(call: str, ssl: float, size: float) -> Any:
    library = load()
    pointer = int(ssl)
    library.ERR_clear_error()
    memory = _memory
    most = min(int(size), RECORD_SIZE)
    count = getattr(library, call)(pointer, memory.buffer, most)
    if count > 0:
        return bytes(memory.view[:count])
    kind = library.SSL_get_error(pointer, count)
    if kind in _WAITS:
        return None, _WAITS[kind]
    # nginx takes whatever breaks the connection below TLS for its end.
    if kind in (ERROR_ZERO_RETURN, ERROR_SYSCALL):
        return b""
    return failure(b"SSL_read", 0)


def write(ssl: float, data: bytes, start: float) -> Any:
    """Write *data* from its 1-based index *start*; return the bytes taken."""
    library = load()
    pointer = int(ssl)
    offset = int(start) - 1
    library.ERR_clear_error()
    ctypes.set_errno(0)
    piece = data[offset : offset + RECORD_SIZE] if offset else data
    count = library.SSL_write(pointer, piece, len(piece))
    if count > 0:
        return count
    code = ctypes.get_errno()
    kind = library.SSL_get_error(pointer, count)
    if kind in _WRITE_WAITS:
        return None, _WRITE_WAITS[kind]
    return failure(b"SSL_write", code if kind == ERROR_SYSCALL else 0)


def failure(call: bytes, code: float) -> tuple[Any, ...]:
    """Return what Lua is told of a call that failed.

    Args:
        call: ``SSL_read`` or ``SSL_write``.
        code: the error number of the system, 0 where the failure is TLS's own.

    Returns:
        None, the error, the line to log, and whether the peer is to blame.
    """
    if code:
        load().ERR_clear_error()
        text = strerror(int(code))
        shown = text[:1].upper() + text[1:]
        return None, text, b"%s() failed (%d: %s)" % (call, code, shown), True
    failed = load().failure(f"{call.decode()}() failed")
    return None, b"error", failed.text.encode(), failed.is_peers
