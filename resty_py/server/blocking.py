"""Tells what keeps Lua from coming back for longer than it should.

While one handler runs, no other does. A thread looks at how long the loop has
been in Lua; when that is too long it has the stack read
(:mod:`~resty_py.server.lookout`), and when Lua comes back the loop logs both.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from .lookout import Lookout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..vm import VM

__all__ = ["Blocking"]


class Blocking:
    """Watches the calls into one VM.

    Args:
        vm: the VM.
        limit: seconds that a call may take.
        warn: is told of one that took longer.
    """

    def __init__(self, vm: VM, limit: float, warn: Callable[[str], None]) -> None:
        self._lookout = Lookout(vm)
        self._limit = limit
        self._warn = warn
        self._entered = 0.0
        self._is_looking = False
        self._lock = threading.Lock()
        self._over = threading.Event()

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return *function*, which calls into the VM, so that it is watched."""

        def call(*args: Any) -> Any:
            self._entered = time.monotonic()
            try:
                return function(*args)
            finally:
                self._leave()

        return call

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for as long as the block lasts."""
        thread = threading.Thread(target=self._watch, name="blocking", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _leave(self) -> None:
        took = time.monotonic() - self._entered
        self._entered = 0.0
        if took > self._limit:
            with self._lock:
                was_looking, self._is_looking = self._is_looking, False
            where = f": {self._lookout.end()}" if was_looking else ""
            self._warn(f"Lua did not come back for {took * 1000:.0f} ms{where}")

    def _watch(self) -> None:
        seen = 0.0
        while not self._over.wait(self._limit / 4):
            entered = self._entered
            if entered and entered != seen and time.monotonic() - entered > self._limit:
                seen = entered
                self._look(entered)

    def _look(self, entered: float) -> None:
        with self._lock:
            if self._entered == entered:
                self._is_looking = True
                self._lookout.begin()
