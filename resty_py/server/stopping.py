"""Stop signals: once gracefully, twice at once, even while Lua never yields.

Python runs signal handlers between its own instructions, and a handler in an
endless Lua loop lets it run none. But the C half of a signal handler writes
the number to the wakeup descriptor whatever the main thread does, and Lua runs
without the GIL: so a thread reads that descriptor and tells the Trio loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["stop_signals"]

#: What stops a server.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)

#: Seconds that the loop has to end after the second signal.
GRACE = 1.0


@contextlib.contextmanager
def stop_signals(
    stop: Callable[[], None], stop_now: Callable[[], None]
) -> Iterator[None]:
    """Call *stop* in the Trio loop at the first signal, *stop_now* at the second.

    A loop that has not ended :data:`GRACE` seconds after the second is ended
    with the process, whose exit code is then 128 and the signal's number.
    """
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    ended = threading.Event()
    run_soon = trio.lowlevel.current_trio_token().run_sync_soon

    def watch() -> None:
        for action in (stop, stop_now):
            number = os.read(read_fd, 1)
            if not number or ended.is_set():
                return
            with contextlib.suppress(trio.RunFinishedError):
                run_soon(action)
        if not ended.wait(GRACE):
            os._exit(128 + number[0])

    thread = threading.Thread(target=watch, name="stop signals", daemon=True)
    with _handling(write_fd):
        thread.start()
        try:
            yield
        finally:
            ended.set()
    os.close(write_fd)
    thread.join()
    os.close(read_fd)


@contextlib.contextmanager
def _handling(write_fd: int) -> Iterator[None]:
    former = {number: signal.signal(number, _take) for number in SIGNALS}
    wakeup_fd = signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_fd)
        for number, handler in former.items():
            signal.signal(number, handler)


def _take(_number: int, _frame: object) -> None:
    """Do nothing: the wakeup descriptor has told it."""
