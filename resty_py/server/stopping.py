"""Stop signals: once gracefully, twice at once."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from .signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["stop_signals"]

#: What stops a server.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


@contextlib.contextmanager
def stop_signals(
    stop: Callable[[], None], stop_now: Callable[[], None]
) -> Iterator[None]:
    """Call *stop* in the Trio loop at the first signal, *stop_now* at the second.

    A loop that does not end then is ended with the process, whose exit code is
    128 and the signal's number; see :mod:`~resty_py.server.signals`.
    """
    actions = [stop_now, stop]

    def take(_number: int) -> None:
        if actions:
            actions.pop()()

    with Signals(SIGNALS, SIGNALS) as signals, signals.watch(take):
        yield
