"""Files of request bodies: temporary ones, and those that a handler names.

All functions are synchronous: a body that is spilled goes to the page cache.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Any, TypeVar

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["close", "create_temporary", "functions", "remove", "size", "write"]

T = TypeVar("T")

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

_CREATING = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

#: Temporary files have names of ten digits, as nginx's have.
NAMES = 10**10

OWNER_ONLY = 0o600


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``files``."""
    return {
        "create_temporary": create_temporary,
        "write": write,
        "close": close,
        "remove": remove,
        "size": size,
    }


def create_temporary(folder: bytes) -> tuple[int, bytes]:
    """Create a file in *folder*, ``client_body_temp_path``: ``ngx_create_temp_file``.

    Only its owner may read and write it.

    Returns:
        A descriptor for writing, and the file's absolute path.

    Raises:
        OSError: it cannot be created there.
    """
    while True:
        path = os.path.join(folder, b"%010d" % secrets.randbelow(NAMES))
        with contextlib.suppress(FileExistsError):
            return os.open(path, _CREATING, OWNER_ONLY), os.path.abspath(path)


def write(fd: int, data: bytes) -> bool:
    """Write all of *data* to *fd*.

    Raises:
        OSError: ``no space left on device`` and the like.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    return True


def close(fd: int) -> bool:
    """Close *fd*."""
    os.close(fd)
    return True


def remove(path: bytes) -> bool:
    """Remove the file at *path*; one that is gone already is no error.

    Raises:
        OSError: it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return True


def size(path: bytes) -> int:
    """Return the bytes in the regular file at *path*, which must be readable.

    Follows ``ngx_http_lua_open_and_stat_file``.

    Raises:
        HostError: what failed: ``open() "PATH" failed``.
    """
    found = _checked("stat()", path, os.stat)
    if not stat.S_ISREG(found.st_mode):
        raise HostError(f'not a regular file "{os.fsdecode(path)}"')
    os.close(_checked("open()", path, lambda name: os.open(name, _READING)))
    return found.st_size


def _checked(call: str, path: bytes, function: Callable[[bytes], T]) -> T:
    try:
        return function(path)
    except (OSError, ValueError) as exc:
        raise HostError(f'{call} "{os.fsdecode(path)}" failed') from exc
