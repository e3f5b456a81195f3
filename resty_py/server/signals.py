"""Signals for the Trio loop, told even while Lua never yields.

Python runs signal handlers between its own instructions, and a handler in an
endless Lua loop lets it run none. But the C half of a signal handler writes
the number to the wakeup descriptor whatever the main thread does, and Lua runs
without the GIL: so a thread reads that descriptor and tells the Trio loop.

Rules:

1. From :meth:`Signals.__enter__` on, no signal is lost: what comes before
   :meth:`Signals.watch` is told then.
2. The second signal that should end the process does end it: a loop that goes
   on for :data:`GRACE` seconds after it is ended with the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Signals"]

#: Seconds that the loop has to end after the second signal.
GRACE = 1.0


class Signals:
    """Signals that are caught for as long as the block lasts: a context manager.

    Args:
        numbers: which.
        ending: those that should end the process; the second one does.
        abandon: called in a thread, right before the process is ended so.
    """

    def __init__(
        self,
        numbers: Iterable[signal.Signals],
        ending: Iterable[signal.Signals],
        abandon: Callable[[], None] = lambda: None,
    ) -> None:
        self._numbers = frozenset(numbers)
        self._ending = frozenset(ending)
        self._abandon = abandon
        self._early: list[int] | None = []
        self._former: dict[int, Any] = {}
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._former = {n: signal.signal(n, self._note) for n in self._numbers}
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def watch(self, take: Callable[[int], None]) -> Iterator[None]:
        """Call *take* in the Trio loop with the number of each signal."""
        read_fd, write_fd = os.pipe()
        os.set_blocking(write_fd, False)
        run_soon = trio.lowlevel.current_trio_token().run_sync_soon

        def tell(number: int) -> None:
            with contextlib.suppress(trio.RunFinishedError):
                run_soon(take, number)

        thread = threading.Thread(
            target=self._watch, args=(read_fd, tell), name="signals", daemon=True
        )
        thread.start()
        former = self._redirect(write_fd)
        try:
            yield
        finally:
            self._ended.set()
            signal.set_wakeup_fd(former)
            os.close(write_fd)
            thread.join()
            os.close(read_fd)

    def _note(self, number: int, _frame: object) -> None:
        # Later on the wakeup descriptor tells it.
        if self._early is not None:
            self._early.append(number)

    def _redirect(self, write_fd: int) -> int:
        """Let signals go to *write_fd*, those of before as well."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        former = signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        early, self._early = self._early, None
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.write(write_fd, bytes(early or ()))
        return former

    def _watch(self, read_fd: int, tell: Callable[[int], None]) -> None:
        ending = 0
        while ending < 2:
            data = os.read(read_fd, 1)
            if not data or self._ended.is_set():
                return
            tell(data[0])
            ending += data[0] in self._ending
        if not self._ended.wait(GRACE):
            self._abandon()
            os._exit(128 + data[0])
