"""When a server has nothing left to do, seen from outside, whatever server it is.

What follows the last byte of a response (log handlers, the log phase, timers that
are due) is logged a moment later. Instead of waiting a fixed time, ask the kernel:

1. A process is idle while it sleeps in ``epoll_wait``, or in ``sigsuspend`` as a
   master process does. What has arrived for it wakes it at once, so one that is
   idle has dealt with everything so far.
2. The timeout of its ``epoll_wait`` is its next deadline. One within ``HORIZON``
   seconds belongs to a timer or a sleep of Lua's: something is still going on.
3. Descriptors that it did not have when it was first seen idle are connections
   that something may still come from.
4. A server is quiet when each of its processes is idle, has no near deadline and
   no more descriptors than that. One that waits for something has the given time
   for it, and one that works has more: a busy machine is slow.

Where the kernel does not say, the given time passes.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from enum import IntEnum
from pathlib import Path

__all__ = ["Watch"]

_PROC = Path("/proc")

#: Seconds in which a deadline is near.
HORIZON = 1.0

#: Seconds in which a server that works may become idle.
BUSY = 1.0

#: Seconds between looks.
PAUSE = 0.0005

#: System calls in which an idle process sleeps, and the place of its timeout
#: (milliseconds) among their arguments.
_SLEEPS: dict[str, dict[str, int | None]] = {
    "x86_64": {"232": 3, "281": 3, "130": None},  # epoll_wait, epoll_pwait, sigsuspend
    "aarch64": {"22": 3, "133": None},
}
_IDLE = _SLEEPS.get(platform.machine(), {})

#: The timeout of one that waits for ever: -1 as 32 bits.
_FOREVER = 0xFFFFFFFF


class State(IntEnum):
    """What a server is doing."""

    QUIET = 0
    WAITING = 1
    WORKING = 2


class Watch:
    """Watches the processes of a server.

    Args:
        pid: of the first one, which has just started.
        seconds: that it may wait for something until it is first idle.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._descriptors: dict[int, int] = {}
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Wait until the server is quiet, or has waited for so many seconds."""
        start = time.monotonic()
        end, limit = start + seconds, start + BUSY
        while (now := time.monotonic()) < min(end, limit):
            state = max(map(self._state, self.processes()))
            if state is State.QUIET:
                break
            if state is State.WORKING:
                end = now + seconds
            time.sleep(PAUSE)

    def processes(self) -> list[int]:
        """Return the process and its children."""
        path = _PROC / str(self._pid) / "task" / str(self._pid) / "children"
        with contextlib.suppress(OSError):
            return [self._pid, *map(int, path.read_text().split())]
        return [self._pid]

    def _state(self, pid: int) -> State:
        state = _state(pid)
        if state is not State.QUIET:
            return state
        count = _count_descriptors(pid)
        is_as_first = count <= self._descriptors.setdefault(pid, count)
        return State.QUIET if is_as_first else State.WAITING


def _count_descriptors(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(_PROC / str(pid) / "fd"))
    return 0


def _state(pid: int) -> State:
    """Return what a process is doing, as far as its system call tells."""
    try:
        name, *arguments = (_PROC / str(pid) / "syscall").read_text().split()
    except (OSError, ValueError):  # It has ended, or is somebody else's.
        return State.WAITING
    if name == "running":
        return State.WORKING
    if name not in _IDLE:
        return State.WAITING
    place = _IDLE[name]
    timeout = _FOREVER if place is None else int(arguments[place], 16) & 0xFFFFFFFF
    return State.WAITING if timeout < HORIZON * 1000 else State.QUIET
