"""Files that URIs are mapped to: opening, reading and testing them.

Rules:

1. What fails is an answer: ``None``, the system's text, the error number, and
   the system call as nginx names it in its log.
2. A name with a NUL byte is no file's: ``ENOENT``.
3. *policy* is ``disable_symlinks``: None for ``off``, ``on`` or
   ``if_not_owner``. The path is then walked one component after the other;
   its first *trusted* bytes are not checked.

Follows ``ngx_open_file_cache.c`` without a cache.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["close", "examine", "functions", "open_file", "read", "realpath"]

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_SEARCHING = os.O_PATH | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC

_FILE, _DIRECTORY, _OTHER = b"file", b"directory", b"other"

Answer = tuple[Any, ...]


class _CallError(Exception):
    """A system call failed."""

    def __init__(self, call: bytes, code: int) -> None:
        super().__init__(call, code)
        self.answer = (None, os.strerror(code).encode(), code, call)


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``static``."""
    return {
        "open": open_file,
        "read": read,
        "close": close,
        "examine": examine,
        "realpath": realpath,
    }


def open_file(
    path: bytes, most: int | None = None, policy: bytes | None = None, trusted: int = 0
) -> Answer:
    """Open what is at *path*, and read it where it is small.

    Args:
        most: the most bytes that are read at once; None to read nothing.

    Returns:
        What it is, ``file``, ``directory`` or ``other``; its size; when it was
        changed, in whole seconds; and, of a file that is to be read, all bytes
        or, where they are more than *most*, a descriptor.
    """
    try:
        fd = _open(path) if policy is None else _open_checked(path, policy, trusted)
    except _CallError as exc:
        return exc.answer
    call, kept = b"fstat()", False
    try:
        found = os.fstat(fd)
        kind, size, body = _kind(found.st_mode), found.st_size, None
        if kind is _FILE and most is not None:
            kept = size > most
            call = b"read()"
            body = fd if kept else os.read(fd, size)
        return kind, size, found[stat.ST_MTIME], body
    except OSError as exc:
        return _CallError(call, _code(exc)).answer
    finally:
        if not kept:
            os.close(fd)


def read(fd: int, offset: int, most: int) -> bytes:
    """Return up to *most* bytes of *fd* from *offset* on; none at its end.

    Raises:
        OSError: it cannot be read.
    """
    return os.pread(fd, most, offset)


def close(fd: int) -> bool:
    """Close *fd*."""
    os.close(fd)
    return True


def examine(path: bytes, policy: bytes | None = None, trusted: int = 0) -> Answer:
    """Return what is at *path*, as :func:`open_file`, and if its owner may run it."""
    try:
        mode = _stat(path).st_mode if policy is None else _mode(path, policy, trusted)
    except _CallError as exc:
        return exc.answer
    return _kind(mode), bool(mode & stat.S_IXUSR)


def realpath(path: bytes) -> Answer | bytes:
    """Return *path*, which must exist, without symbolic links."""
    try:
        return os.path.realpath(path, strict=True)
    except (OSError, ValueError) as exc:
        return _CallError(b"realpath()", _code(exc)).answer


def _kind(mode: int) -> bytes:
    if stat.S_ISREG(mode):
        return _FILE
    return _DIRECTORY if stat.S_ISDIR(mode) else _OTHER


def _code(exc: OSError | ValueError) -> int:
    return getattr(exc, "errno", None) or errno.ENOENT


def _stat(path: bytes) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as exc:
        raise _CallError(b"stat()", _code(exc)) from exc


def _mode(path: bytes, policy: bytes, trusted: int) -> int:
    fd = _open_checked(path, policy, trusted)
    try:
        return os.fstat(fd).st_mode
    finally:
        os.close(fd)


def _open(path: bytes, flags: int = _READING) -> int:
    try:
        return os.open(path, flags)
    except (OSError, ValueError) as exc:
        raise _CallError(b"open()", _code(exc)) from exc


def _open_checked(path: bytes, policy: bytes, trusted: int) -> int:
    start = path[:trusted] or (b"/" if path.startswith(b"/") else b".")
    rest = path[trusted:].lstrip(b"/")
    folder = _open(start, _SEARCHING)
    try:
        return _walk(folder, rest, policy == b"if_not_owner")
    except (OSError, ValueError) as exc:
        raise _CallError(b"openat()", _code(exc)) from exc


def _walk(fd: int, path: bytes, by_owner: bool) -> int:
    """Open *path*, which is in the directory *fd*, for reading; close *fd*.

    No component may be a symbolic link or, with *by_owner*, one to what belongs
    to somebody else than the link.
    """
    step = _step_by_owner if by_owner else _step
    *folders, name = path.split(b"/")
    try:
        for folder in filter(None, folders):
            inner = step(fd, folder, _SEARCHING)
            os.close(fd)
            fd = inner
        if not name:
            return os.open(b".", _READING, dir_fd=fd)
        return step(fd, name, _READING)
    finally:
        os.close(fd)


def _step(folder: int, name: bytes, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)


def _step_by_owner(folder: int, name: bytes, flags: int) -> int:
    # Which of link and target was opened is not known, so both are compared.
    fd = os.open(name, flags, dir_fd=folder)
    try:
        link = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if os.fstat(fd).st_uid != link.st_uid:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    except BaseException:
        os.close(fd)
        raise
    return fd
