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
3. A worker's orders are read by the same thread (:mod:`~resty_py.server.channel`).
   When the master is gone, nobody could end a loop that never yields: it has
   :data:`ORPHAN_GRACE` seconds to show that it does.
4. A process that ends after the block lets signals be caught for good: one that
   comes late is not told, and is not what the process dies of.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import trio

from .channel import LOOK, MASTER_GONE

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Orders", "Signals"]

#: Seconds that the loop has to end after the second signal.
GRACE = 1.0

#: Seconds that the loop has to yield once after the master is gone.
ORPHAN_GRACE = 10.0

#: Seconds between two looks whether the loop has ended meanwhile.
TICK = 0.05


@dataclass(frozen=True)
class Orders:
    """The orders of a worker.

    Attributes:
        stream: where they come from.
        obey: called in the Trio loop with each of them.
        look: called in the thread when the master asks what Lua is doing.
    """

    stream: socket.socket
    obey: Callable[[int], None]
    look: Callable[[], None]


class Signals:
    """Signals that are caught for as long as the block lasts: a context manager.

    Args:
        numbers: which.
        ending: those that should end the process; the second one does.
        abandon: called in a thread, right before the process is ended so.
        restarts: whether system calls that a signal interrupts go on after it:
            ``lua_sa_restart``.
        for_good: whether they are caught after the block as well: rule 4.
    """

    def __init__(
        self,
        numbers: Iterable[signal.Signals],
        ending: Iterable[signal.Signals],
        abandon: Callable[[], None] = lambda: None,
        *,
        restarts: bool = True,
        for_good: bool = False,
    ) -> None:
        self._numbers = frozenset(numbers)
        self._ending = frozenset(ending)
        self._abandon = abandon
        self._restarts = restarts
        self._for_good = for_good
        self._early: list[int] | None = []
        self._former: dict[int, Any] = {}
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._former = {n: signal.signal(n, self._note) for n in self._numbers}
        for number in self._numbers:
            signal.siginterrupt(number, not self._restarts)
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._for_good:
            return
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def watch(
        self, take: Callable[[int], None], orders: Orders | None = None
    ) -> Iterator[None]:
        """Call *take* in the Trio loop with the number of each signal.

        Args:
            take: what is called.
            orders: those of a worker, obeyed for as long.
        """
        read_fd, write_fd = os.pipe()
        os.set_blocking(write_fd, False)
        run_soon = trio.lowlevel.current_trio_token().run_sync_soon

        def tell(function: Callable[..., None], *args: Any) -> None:
            with contextlib.suppress(trio.RunFinishedError):
                run_soon(function, *args)

        thread = threading.Thread(
            target=self._watch,
            args=(read_fd, functools.partial(tell, take), orders, tell),
            name="signals",
            daemon=True,
        )
        thread.start()
        former = self._redirect(write_fd)
        try:
            yield
        finally:
            self._ended.set()
            # Trio closes its own before it takes it back.
            signal.set_wakeup_fd(-1 if self._for_good else former)
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

    def _watch(
        self,
        read_fd: int,
        take: Callable[[int], None],
        orders: Orders | None,
        tell: Callable[..., None],
    ) -> None:
        poll = select.poll()
        poll.register(read_fd, select.POLLIN)
        if orders is not None:
            poll.register(orders.stream, select.POLLIN)
        ending = 0
        while ending < 2:
            ready = {fd for fd, _ in poll.poll()}
            if orders is not None and ready != {read_fd}:
                self._read_order(orders, poll, tell)
            if read_fd in ready:
                data = os.read(read_fd, 1)
                if not data or self._ended.is_set():
                    return
                take(data[0])
                ending += data[0] in self._ending
        if not self._ended.wait(GRACE):
            self._abandon()
            os._exit(128 + data[0])

    def _read_order(
        self, orders: Orders, poll: select.poll, tell: Callable[..., None]
    ) -> None:
        data = orders.stream.recv(1)
        if not data:
            poll.unregister(orders.stream)
            tell(orders.obey, MASTER_GONE)
            self._end_if_stuck(tell)
        elif data[0] == LOOK:
            orders.look()
        else:
            tell(orders.obey, data[0])

    def _end_if_stuck(self, tell: Callable[..., None]) -> None:
        yielded = threading.Event()
        tell(yielded.set)
        deadline = time.monotonic() + ORPHAN_GRACE
        while not (yielded.wait(TICK) or self._ended.is_set()):
            if time.monotonic() > deadline:
                self._abandon()
                os._exit(128 + signal.SIGKILL)
