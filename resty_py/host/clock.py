"""Time for Lua: Trio's clock, the wall clock that moves with it, civil time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["functions", "loop_functions", "sleep", "utc_offset"]


def functions() -> dict[str, Callable[..., Any]]:
    """Return what every VM's host namespace ``clock`` holds."""
    return {"sleep": sleep, "utc_offset": utc_offset}


def loop_functions(*, prefer_ffi: bool = True) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``clock`` of a worker; call it inside Trio.

    Its functions can be called by any thread.

    Args:
        prefer_ffi: whether Lua may read the system's clock itself.
    """
    clock = trio.lowlevel.current_clock()
    is_system = type(clock).__name__ == "SystemClock"
    start, wall_start = clock.current_time(), time.time()

    def now() -> tuple[float, float]:
        mono = clock.current_time()
        return mono, time.time() if is_system else wall_start + mono - start

    def offset() -> float | None:
        if not (is_system and prefer_ffi):
            return None
        return clock.current_time() - time.clock_gettime(time.CLOCK_MONOTONIC)

    return functions() | {"now": now, "offset": offset}


def sleep(seconds: float) -> None:
    """Block the whole worker: ``echo_blocking_sleep``."""
    time.sleep(seconds)


def utc_offset(seconds: float) -> int:
    """Return how far east of Greenwich local time is at an epoch time.

    Args:
        seconds: since the epoch.

    Returns:
        Seconds, negative in the west; nginx's ``gmtoff`` in minutes.

    Raises:
        OSError: no civil time for *seconds* on this platform.
    """
    return time.localtime(seconds).tm_gmtoff
