"""Stop signals, once gracefully, twice at once; and what others do meanwhile."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from .signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["stop_signals"]

#: What stops a server.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


@contextlib.contextmanager
def stop_signals(
    stop: Callable[[], None],
    stop_now: Callable[[], None],
    others: Mapping[signal.Signals, Callable[[], None]] | None = None,
) -> Iterator[None]:
    """Call *stop* in the Trio loop at the first signal, *stop_now* at the second.

    A loop that does not end then is ended with the process, whose exit code is
    128 and the signal's number; see :mod:`~resty_py.server.signals`. Of *others*,
    signals that stop nothing, the function is called each time.
    """
    actions = [stop_now, stop]
    harmless = others or {}

    def take(number: int) -> None:
        action = harmless.get(signal.Signals(number))
        if action:
            action()
        elif actions:
            actions.pop()()

    with Signals((*SIGNALS, *harmless), SIGNALS) as signals, signals.watch(take):
        yield
