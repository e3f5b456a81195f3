"""Files for Lua: request bodies that do not fit in memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from typing import Any

__all__ = ["functions"]


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``files``."""
    return {
        "create_temporary": create_temporary,
        "write": write,
        "close": os.close,
        "remove": remove,
    }


def create_temporary(folder: bytes) -> tuple[int, bytes]:
    """Create a file of mode 0600 that only we know; return descriptor and path."""
    return tempfile.mkstemp(dir=folder, prefix=b"resty-py-")


def write(fd: int, data: bytes) -> bool:
    """Write all of *data*."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    return True


def remove(path: bytes) -> bool:
    """Remove a file; one that is gone already is no error."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return True
