"""Child processes for Lua: ``ngx.pipe`` and ``resty.signal``.

A process is spawned by ``posix_spawn``, which does not copy the memory of this
one, and watched by a pidfd: a descriptor in the worker's epoll that is readable
when the process has ended. So there is no thread, no Trio task and no SIGCHLD
handler, and children of others in this process are none of our business.

Rules:

1. What is spawned here is waited for here, once: :meth:`Processes.reap`.
2. Descriptors belong to whoever gets them; none is inherited but the child's
   three.
3. A program that cannot be executed is a child that exits with 1, as after a
   fork(), and the answer says why.

Source: ngx_http_lua_pipe.c.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
from typing import TYPE_CHECKING, Any

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Processes", "functions"]

#: Signals that Python or nginx ignore and a program does not expect to be.
_RESET = [
    getattr(signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ", "SIGSYS")
    if hasattr(signal, name)
]

#: Errors of fork() itself; others are of execve().
_FORK_ERRORS = frozenset({errno.EAGAIN, errno.ENOMEM})

_SHELL = b"/bin/sh"

#: What a child does whose program cannot be executed.
_FAILING = (_SHELL, b"-c", b"exit 1")

#: The first descriptor that no program takes for one of its standard ones.
_FIRST_FREE = 3


def functions() -> dict[str, Callable[..., Any]]:
    """Return what every VM's host namespace ``process`` holds."""
    return {"kill": kill, "signals": signals}


class Processes:
    """The children of one worker."""

    def __init__(self) -> None:
        self._running: set[int] = set()

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``process``."""
        return functions() | {"spawn": self.spawn, "reap": self.reap}

    def close(self) -> None:
        """Kill those that still run."""
        for pid in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._running.clear()

    def spawn(
        self, merged: bool, arguments: bytes, environ: bytes | None = None
    ) -> tuple[Any, ...]:
        """Start a program.

        Args:
            merged: whether its standard error goes where its output does.
            arguments: its name and arguments, with a NUL between each two.
            environ: its environment in the same way, ``name=value`` each; None:
                that of this process.

        Returns:
            Its pid, its pidfd, the ends of its standard input, output and error
            (None: merged), nonblocking; and the error number and text where it
            could not be executed, else None.

        Raises:
            HostError: there is no process; the text is OpenResty's.
        """
        argv = arguments.split(b"\0")
        environment = _environment(environ)
        with contextlib.ExitStack() as opened:
            ours, theirs = _pipes(opened, merged)
            pid, failure = _start(argv, environment, theirs)
            self._running.add(pid)
            pidfd = _watch(pid)
            for end in ours:
                os.set_blocking(end, False)
            for end in theirs:
                os.close(end)
            opened.pop_all()
        return (pid, pidfd, *ours, *([None] if merged else []), *failure)

    def reap(self, pid: int) -> tuple[bytes, int] | None:
        """Return how a child ended, "exit" or "signal" and the code; None: it runs."""
        found, status = os.waitpid(pid, os.WNOHANG)
        if found == 0:
            return None
        self._running.discard(pid)
        code = os.waitstatus_to_exitcode(status)
        return (b"exit", code) if code >= 0 else (b"signal", -code)


def kill(pid: int, number: int) -> bool:
    """Send signal *number* to a process.

    Raises:
        HostError: it cannot be sent; the text is the system's.
    """
    try:
        os.kill(pid, number)
    except OSError as exc:
        raise HostError(exc.strerror) from None
    except OverflowError:
        raise HostError(os.strerror(errno.EINVAL)) from None
    return True


def signals() -> bytes:
    """Return the names of signals and their numbers: ``HUP 1 INT 2 …``."""
    names = [f"{one.name.removeprefix('SIG')} {one.value}" for one in signal.Signals]
    return " ".join(names).encode()


def _environment(text: bytes | None) -> dict[bytes, bytes]:
    if text is None:
        return dict(os.environb)
    # A name may begin with a "=".
    pairs = ((word[:1], *word[1:].partition(b"=")) for word in text.split(b"\0"))
    return {first + name: value for first, name, _, value in pairs if first}


def _pipes(opened: contextlib.ExitStack, merged: bool) -> tuple[list[int], list[int]]:
    """Return our ends and the child's, of standard input, output and error."""
    try:
        pairs = [_pipe(opened) for _ in range(2 if merged else 3)]
    except OSError as exc:
        raise HostError(f"pipe failed: {exc.strerror}") from None
    (read_input, write_input), *outputs = pairs
    ours = [write_input, *(read for read, _ in outputs)]
    return ours, [read_input, *(write for _, write in outputs)]


def _pipe(opened: contextlib.ExitStack) -> tuple[int, int]:
    read, write = (_high(end, opened) for end in os.pipe())
    return read, write


def _high(end: int, opened: contextlib.ExitStack) -> int:
    """Return a descriptor that is none of the standard ones."""
    low = end
    if low < _FIRST_FREE:
        try:
            end = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
        finally:
            os.close(low)
    opened.callback(os.close, end)
    return end


def _actions(theirs: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    for place, end in enumerate(theirs):
        yield os.POSIX_SPAWN_DUP2, end, place
    if len(theirs) == 2:
        yield os.POSIX_SPAWN_DUP2, 1, 2


def _start(
    argv: list[bytes], environment: dict[bytes, bytes], theirs: Sequence[int]
) -> tuple[int, tuple[Any, ...]]:
    """Return the pid; and the number and the text of the error of execve()."""
    try:
        return _execute(argv, environment, theirs), (None, None)
    except OSError as exc:
        if exc.errno in _FORK_ERRORS:
            raise HostError(f"fork failed: {exc.strerror}") from None
        pid = _spawn(list(_FAILING), {}, theirs)
        return pid, (exc.errno, os.strerror(exc.errno or 0).encode())


def _execute(
    argv: list[bytes], environment: dict[bytes, bytes], theirs: Sequence[int]
) -> int:
    """Spawn as ``execvp()`` executes: a text file is one for the shell."""
    if not argv[0]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    try:
        return _spawn(argv, environment, theirs)
    except OSError as exc:
        if exc.errno != errno.ENOEXEC:
            raise
        from shutil import which

        script = which(argv[0]) or argv[0]
        return _spawn([_SHELL, script, *argv[1:]], environment, theirs)


def _spawn(
    argv: list[bytes], environment: dict[bytes, bytes], theirs: Sequence[int]
) -> int:
    return os.posix_spawnp(
        argv[0],
        argv,
        environment,
        file_actions=list(_actions(theirs)),
        setsigmask=[],
        setsigdef=_RESET,
    )


def _watch(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError as exc:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise HostError(f"pidfd_open failed: {exc.strerror}") from None
