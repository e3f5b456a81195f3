"""The loop of a process that serves: workers come first, Trio is their guest.

A worker that Trio drives pays a tick of Trio for each of its turns, which is more
than a request costs. So a process drives its workers itself:

1. Trio runs as a guest (``trio.lowlevel.start_guest_run``): a thread of its own
   waits for its descriptors and deadlines, and a tick comes when there is
   something for it to do. Where nothing but requests comes, none does.
2. Turns and ticks take turns in one thread, neither within the other. A turn may
   call Trio's synchronous functions, as host functions do.
3. What other threads post is heard at once: the bell ends every wait.
4. What a worker fails with is raised where it is awaited (:meth:`Loop.drive`).
"""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import outcome

__all__ = ["LONGEST_WAIT", "MORE", "OVER", "Loop"]

_T = TypeVar("_T")

#: What a step answers in place of a time: there is more to do; it was the last.
MORE, OVER = 0, -1

#: Seconds of a wait at most: the kernel counts up to 2^31 milliseconds, and a
#: deadline may be further away.
LONGEST_WAIT = 86400.0


class _Driven:
    """A worker in the hands of the loop."""

    def __init__(self, step: Callable[[], float]) -> None:
        self.step = step
        self.is_over = trio.Event()
        self.failure: BaseException | None = None

    def turn(self) -> float:
        """Take a step; return when the next is due."""
        if self.is_over.is_set():
            return math.inf
        try:
            due = self.step()
        except BaseException as exc:
            self.failure = exc
            due = OVER
        if due == OVER:
            self.is_over.set()
            return math.inf
        return due


class Loop:
    """Drives workers, and Trio beside them, until Trio's function has ended."""

    #: The loop that runs in this process.
    current: Loop | None = None

    def __init__(self) -> None:
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._bell, select.EPOLLIN)
        self._posted: deque[Callable[[], object]] = deque()
        self._driven: list[_Driven] = []

    def run(
        self,
        function: Callable[..., Awaitable[_T]],
        *args: Any,
        clock: trio.abc.Clock | None = None,
    ) -> _T:
        """Run an async function as :func:`trio.run` does, and workers beside it."""
        ended: list[outcome.Outcome[_T]] = []
        trio.lowlevel.start_guest_run(
            function,
            *args,
            run_sync_soon_threadsafe=self.post,
            done_callback=ended.append,
            host_uses_signal_set_wakeup_fd=True,
            clock=clock,
        )
        Loop.current = self
        try:
            while not ended:
                self._go_round()
        finally:
            Loop.current = None
            self._epoll.close()
            os.close(self._bell)
        return ended[0].unwrap()

    def post(self, function: Callable[[], object]) -> None:
        """Have *function* called in the loop's thread; any thread may post."""
        self._posted.append(function)
        os.eventfd_write(self._bell, 1)

    async def drive(self, step: Callable[[], float], fd: int) -> None:
        """Drive a worker until it is over; from a task of the guest.

        Args:
            step: what it does next; the time until which it has nothing to do
                then, on Trio's clock, or MORE or OVER.
            fd: what is readable when it has something to do before.

        Raises:
            BaseException: what *step* has raised.
        """
        driven = _Driven(step)
        self._driven.append(driven)
        self._epoll.register(fd, select.EPOLLIN)
        try:
            await driven.is_over.wait()
        finally:
            self._epoll.unregister(fd)
            self._driven.remove(driven)
        if driven.failure is not None:
            raise driven.failure

    def _go_round(self) -> None:
        posted = self._posted
        # A tick may post the next.
        for _ in range(len(posted)):
            posted.popleft()()
        due = math.inf
        for driven in self._driven:
            next_due = driven.turn()
            if next_due < due:
                due = next_due
        if due != MORE and not posted:
            self._wait(due)

    def _wait(self, due: float) -> None:
        timeout = None
        if due != math.inf:
            timeout = min(max(due - trio.current_time(), 0), LONGEST_WAIT)
        for fd, _ in self._epoll.poll(timeout):
            if fd == self._bell:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._bell)
