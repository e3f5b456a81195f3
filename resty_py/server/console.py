"""A worker that runs one script and ends: ``resty-py run``.

Rules:

1. Until the script asks for something that only Trio can do (a name to look
   up, a TLS handshake, a process), the worker is driven by a plain loop, and
   Trio is not even imported: that is most of what a start costs. From then on
   the worker runs in Trio as any other does, with the same VM.
2. Both loops read one clock, so deadlines keep their meaning.
3. INT ends the worker gracefully and, a moment later, at once: exit code 130.
   TERM ends it at once: 143. QUIT and HUP end it gracefully. A thread that
   reads the wakeup descriptor does it, since Lua may never yield.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import trio

from ..host import clock
from ..vm import LuaError, to_lua
from .loop import LONGEST_WAIT, MORE, OVER
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["CONSOLE_SETTINGS", "Console", "monotonic_functions"]

#: Seconds that a script has to end after INT or TERM: those of ``resty``.
GRACE = 0.1

#: What shells report for a process that a signal has ended.
_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)

#: What is in force where no configuration says so: what an app.lua has, but for
#: two settings that ``resty`` has of its own.
CONSOLE_SETTINGS: dict[bytes, Any] = {
    b"client_header_buffer_size": 1024,
    b"ignore_invalid_headers": True,
    b"large_client_header_buffers_count": 4,
    b"large_client_header_buffers_size": 8192,
    b"lua_code_cache": True,
    b"lua_max_pending_timers": 1024,
    b"lua_max_running_timers": 256,
    b"lua_regex_cache_max_entries": 40960,
    b"lua_regex_match_limit": 0,
    b"lua_socket_buffer_size": 4096,
    b"lua_socket_connect_timeout": 60.0,
    b"lua_socket_keepalive_timeout": 60.0,
    b"lua_socket_log_errors": False,
    b"lua_socket_pool_size": 30,
    b"lua_socket_read_timeout": 60.0,
    b"lua_socket_send_timeout": 60.0,
    b"lua_ssl_ciphers": b"DEFAULT",
    b"lua_ssl_conf_command": [],
    b"lua_ssl_protocols": [b"TLSv1.2", b"TLSv1.3"],
    b"lua_ssl_verify_depth": 1,
    b"lua_worker_thread_vm_pool_size": 100,
    b"merge_slashes": True,
    b"resolver_timeout": 30.0,
    b"server_tokens": True,
    b"underscores_in_headers": False,
}


def monotonic_functions(*, prefer_ffi: bool) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``clock`` of a worker that Trio may not drive."""

    def now() -> tuple[float, float]:
        return time.monotonic(), time.time()

    def offset() -> float | None:
        return 0.0 if prefer_ffi else None

    return clock.functions() | {"now": now, "offset": offset}


class Console(Worker):
    """A worker for one script."""

    tasks_may_wait = True
    is_console = True

    def _clock_functions(self, *, prefer_ffi: bool) -> dict[str, Callable[..., Any]]:
        return monotonic_functions(prefer_ffi=prefer_ffi)

    def run_script(
        self,
        *,
        inline: bytes | None,
        file: bytes | None,
        words: Sequence[bytes],
        args: Sequence[bytes],
        jit: str | None,
    ) -> int:
        """Run a script to its end, and return the exit code of the process.

        Args:
            inline: source text that runs first.
            file: path of a file that runs then.
            words: the words of the command line before the script's own.
            args: the script's own.
            jit: ``off``, ``v`` or ``dump``.

        Raises:
            LuaError: what *jit* says cannot be obeyed.
        """
        script = {
            "inline": inline,
            "file": file,
            "words": list(words),
            "args": list(args),
            "jit": jit,
        }
        with _Signals(self) as signals:
            self.begin()
            self._begin_script({k: v for k, v in script.items() if v is not None})
            with signals.watched():
                is_over = self._drive()
            if not is_over:
                trio.run(self._drive_in_trio, signals, clock=_clock())
            self.end()
        return signals.code

    def _begin_script(self, script: dict[str, Any]) -> None:
        start = self.vm.require("resty_py.console")[b"start"]
        answer = self.vm.call(start, to_lua(self.vm, script))
        if answer is not True:
            raise LuaError(answer[1].decode(errors="replace"))

    def _drive(self) -> bool:
        """Run the VM without Trio; tell whether it has ended, else Trio is wanted."""
        poller = select.poll()
        poller.register(self._poller.fd, select.POLLIN)
        while not self._stopping:
            if self._calls.waiting:
                self._make_calls()
            deadline = self._turn()
            if deadline == OVER:
                return True
            if self._tasks.are_waiting:
                return False
            if deadline != MORE and not self._calls.waiting:
                poller.poll(_milliseconds(deadline))
        return True

    async def _drive_in_trio(self, signals: _Signals) -> None:
        with signals.watched():
            async with trio.open_nursery() as nursery:
                await self.run_loop(nursery)
                nursery.cancel_scope.cancel()


def _milliseconds(deadline: float) -> float | None:
    if deadline == math.inf:
        return None
    seconds = min(max(deadline - time.monotonic(), 0), LONGEST_WAIT)
    return math.ceil(seconds * 1000)


def _clock() -> trio.abc.Clock:
    """Return a clock for Trio that shows what the plain loop's does."""

    class Monotonic(trio.abc.Clock):
        def start_clock(self) -> None:
            """Do nothing: it always runs."""

        def current_time(self) -> float:
            return time.monotonic()

        def deadline_to_sleep_time(self, deadline: float) -> float:
            return deadline - time.monotonic()

    return Monotonic()


class _Signals:
    """The signals that a script may get, for as long as the block lasts.

    Attributes:
        code: the exit code that they make of the process.
    """

    def __init__(self, worker: Console) -> None:
        self._worker = worker
        self._ended = threading.Event()
        self._is_watched = False
        self._former: dict[int, Any] = {}
        self.code = 0

    def __enter__(self) -> Self:
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        self._former = {n: signal.signal(n, self._note) for n in _SIGNALS}
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        os.close(self._write_fd)
        self._thread.join()
        os.close(self._read_fd)
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Have signals told; of one loop at a time, since Trio wants its own way."""
        former = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        self._is_watched = True
        try:
            yield
        finally:
            self._is_watched = False
            signal.set_wakeup_fd(former)

    def _note(self, number: int, _frame: object) -> None:
        # Else the wakeup descriptor tells it.
        if not self._is_watched:
            os.write(self._write_fd, bytes([number]))

    def _watch(self) -> None:
        while data := os.read(self._read_fd, 1):
            self._take(data[0])

    def _take(self, number: int) -> None:
        code = _CODES.get(signal.Signals(number))
        if number == signal.SIGTERM:
            self._worker.stop_now()
        else:
            self._worker.stop()
        if code is not None:
            self.code = code
            if not self._ended.wait(GRACE):
                os._exit(code)
