"""The worker: one Trio task that owns one Lua VM.

The loop hands the VM whatever is ready, in one call a turn; the VM resumes
light threads until all are parked and says until when it has nothing to do.
All descriptors of the VM are in one epoll instance, which is itself readable
when any of them is: one Trio wait serves them all.

Rules:

1. Only :meth:`Worker.run_loop` calls into the VM. Other tasks post.
2. A posted completion wakes the loop by an eventfd that is in the epoll too.
3. One cancel scope serves many waits: its deadline moves, which is cheaper
   than a new scope each turn. A fresh one replaces it once it has fired.
4. A turn that has more to do is followed by a checkpoint, not by a wait, so
   that other Trio tasks get their share.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import trio

from ..host.sys import Poller
from ..host.tasks import Tasks
from ..vm import VM

__all__ = ["Worker"]

HostSpaces = dict[str, Mapping[str, Callable[..., Any]]]


class Worker:
    """A VM and the loop that drives it.

    Args:
        nursery: where host tasks run.
        flavour: a Lua flavour's name or None.
        host: host functions beside the worker's own, by namespace.
        path: folders that come first on ``package.path``.
        prefer_ffi: use LuaJIT's FFI for system calls where there is one.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        flavour: str | None = None,
        host: HostSpaces | None = None,
        path: tuple[Any, ...] = (),
        prefer_ffi: bool = True,
    ) -> None:
        self.poller = Poller(prefer_ffi=prefer_ffi)
        self.tasks = Tasks(nursery, self.post)
        self._posted: deque[tuple[int, tuple[Any, ...]]] = deque()
        self._clock = _Clock(prefer_ffi=prefer_ffi)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = False
        spaces: HostSpaces = {
            "sys": self.poller.functions(),
            "tasks": self.tasks.functions(),
            "clock": self._clock.functions(),
            "worker": {"bell": lambda: self._bell, "stop": self.stop},
        }
        self.vm = VM(flavour, spaces | (host or {}), path)
        self.lua = self.vm.require("resty_py.worker")
        self._turn = self.lua[b"turn"]
        self._deliver = self.lua[b"deliver"]

    def post(self, token: int, answer: tuple[Any, ...]) -> None:
        """Queue a completion for the VM and wake the loop."""
        self._posted.append((token, answer))
        os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        """End :meth:`run_loop` after the current turn."""
        self._stopping = True
        os.eventfd_write(self._bell, 1)

    async def run_loop(self) -> None:
        """Drive the VM until :meth:`stop`."""
        while not self._stopping:
            with trio.CancelScope() as scope:
                await self._turns(scope)

    async def _turns(self, scope: trio.CancelScope) -> None:
        wait_readable = trio.lowlevel.wait_readable
        poller = self.poller.fd
        while not self._stopping:
            if self._posted:
                self._deliver_posted()
            deadline = self._turn()
            if deadline == 0:
                await trio.lowlevel.checkpoint()
                continue
            if deadline != scope.deadline:
                scope.deadline = deadline
            await wait_readable(poller)

    def _deliver_posted(self) -> None:
        while self._posted:
            token, answer = self._posted.popleft()
            self._deliver(token, *answer)

    def close(self) -> None:
        """Free the worker's own descriptors."""
        self.poller.close()
        os.close(self._bell)


class _Clock:
    """Time for Lua: Trio's clock, and the wall clock that moves with it."""

    def __init__(self, *, prefer_ffi: bool) -> None:
        self._prefer_ffi = prefer_ffi
        clock = trio.lowlevel.current_clock()
        self._is_system = type(clock).__name__ == "SystemClock"
        self._start = trio.current_time()
        self._wall_start = time.time()

    def now(self) -> tuple[float, float]:
        mono = trio.current_time()
        if self._is_system:
            return mono, time.time()
        return mono, self._wall_start + mono - self._start

    def offset(self) -> float | None:
        if not (self._is_system and self._prefer_ffi):
            return None
        return trio.current_time() - time.clock_gettime(time.CLOCK_MONOTONIC)

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"now": self.now, "offset": self.offset}


#: Lua's answer when nothing is armed, as Trio's "never".
NEVER = math.inf
