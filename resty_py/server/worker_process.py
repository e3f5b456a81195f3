"""A worker: what a fork of the master is. ``ngx_worker_process_cycle``.

Rules:

1. It has the VM of the master's configuration as ``init_by_lua`` left it, with
   descriptors of its own, and a Trio loop that begins here.
2. It does what signals and the master's orders say. QUIT lets requests and
   timers finish, for ``worker_shutdown_timeout`` at most; TERM and INT end it.
3. When the master is gone (killed: it ends after its workers otherwise) the
   worker finishes as by QUIT, so that the ports are free for the next server.
   nginx's would go on, told by nobody.
4. The privileged agent is a worker that listens on nothing and keeps the
   master's user.
5. It ends by its exit code and never returns into the master's frames.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

import trio

from .channel import MASTER_GONE, QUIT, REOPEN, TERMINATE
from .log import ALERT, EMERG, NOTICE, failed_call, route_logging
from .lookout import Lookout
from .loop import Loop
from .privileges import drop_rights, place
from .process_log import redirect_stderr
from .role import WORKER
from .signals import Orders, Signals
from .titles import set_title

if TYPE_CHECKING:
    import socket

    from .process_log import ProcessLog
    from .served import Served
    from .surroundings import Surroundings

__all__ = ["FATAL", "WorkerProcess"]

#: The exit code of a worker that cannot be what it should: it is not restarted.
FATAL = 2

#: The exit code of one that failed.
FAILED = 1

_NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})

_ACTIONS = {
    signal.SIGALRM: "",
    signal.SIGHUP: "ignoring",
    signal.SIGINT: "exiting",
    signal.SIGIO: "ignoring",
    signal.SIGQUIT: "shutting down",
    signal.SIGTERM: "exiting",
    signal.SIGUSR1: "reopening logs",
    signal.SIGUSR2: "ignoring",
    signal.SIGWINCH: "",
}

_ORDERS = {
    signal.SIGINT: TERMINATE,
    signal.SIGTERM: TERMINATE,
    signal.SIGQUIT: QUIT,
    signal.SIGUSR1: REOPEN,
}


def _describe(exc: BaseException) -> bytes:
    """Return what a worker failed with; where, unless it is for want of descriptors."""
    if isinstance(exc, OSError) and exc.errno in _NO_DESCRIPTORS:
        return failed_call("the worker", exc)
    text = "".join(traceback.format_exception(exc)).rstrip()
    return f"the worker failed: {text}".encode(errors="backslashreplace")


class WorkerProcess:
    """A worker of a master.

    Args:
        cycle: what it serves.
        orders: its end of the channel.
        surroundings: those of the process.
        log: its log.
        mask: the signals that the master had blocked before it was one.
        name: that of the program, for titles.
        gentle: the signals that are taken for QUIT the first time.
    """

    def __init__(
        self,
        cycle: Served,
        orders: socket.socket,
        surroundings: Surroundings,
        log: ProcessLog,
        mask: set[int],
        name: str,
        gentle: frozenset[int],
    ) -> None:
        self._cycle = cycle
        self._worker = cycle.worker
        self._role = cycle.worker.role
        self._stream = orders
        self._surroundings = surroundings
        self._log = log
        self._mask = mask
        self._name = name
        self._gentle = gentle
        self._lookout = Lookout(cycle.worker.vm)
        self._is_ending = False

    def run(self, clock: trio.abc.Clock) -> NoReturn:
        """Be the worker until it ends, and the process with it.

        Args:
            clock: of the loop.
        """
        code = FAILED
        try:
            code = self._run(clock)
        except BaseException as exc:
            self._log.write(ALERT, _describe(exc))
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _run(self, clock: trio.abc.Clock) -> int:
        caught = Signals(
            _ACTIONS,
            (signal.SIGINT, signal.SIGTERM),
            self._abandon,
            restarts=self._cycle.restarts_calls,
            for_good=True,
        )
        with caught as signals:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            if not self._settle():
                return FATAL
            with route_logging(self._cycle.logs.main):
                Loop().run(self._serve, signals, clock=clock)
        self._worker.close()
        self._log.write(NOTICE, b"exit")
        self._cycle.logs.close()
        return 0

    def _abandon(self) -> None:
        """Say that the process is ended, Lua or not."""
        self._log.write(ALERT, b"Lua does not come back: this process is ended")

    def _settle(self) -> bool:
        """Take the rights, the place and the descriptors of a worker."""
        settings, role = self._cycle.settings, self._role
        title = role.kind.decode() + " process"
        set_title(self._name, title)
        place(settings, role.number, self._log)
        self._surroundings.limit(settings, self._log)
        is_worker = role.kind == WORKER
        if is_worker and not drop_rights(settings, self._log):
            return False
        if not self._surroundings.enter(settings, self._log):
            return False
        try:
            self._worker.go_on_forked()
            if is_worker:
                self._cycle.listen(role.number or 0)
                role.accept()
        except OSError as exc:
            self._log.write(EMERG, failed_call("epoll_create()", exc))
            return False
        self._cycle.close_sockets()
        return True

    # The loop -------------------------------------------------------------------

    async def _serve(self, signals: Signals) -> None:
        orders = Orders(self._stream, self._obey, self._look)
        with signals.watch(self._take, orders):
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._worker.at_end = self._say_exiting
                self._worker.on_quit = self._quit
                await self._worker.run_loop(nursery)
                nursery.cancel_scope.cancel()

    def _say_exiting(self) -> None:
        self._log.write(NOTICE, b"exiting")

    def _take(self, number: int) -> None:
        """Do what a signal asks for."""
        caught = signal.Signals(number)
        action = _ACTIONS[caught]
        text = f"signal {number} ({caught.name}) received{action and ', '}{action}"
        self._log.write(NOTICE, text.encode())
        if caught in self._gentle and not self._is_ending:
            self._obey(QUIT)
        elif caught in _ORDERS:
            self._obey(_ORDERS[caught])

    def _obey(self, order: int) -> None:
        """Do what the master says."""
        if order == MASTER_GONE:
            self._log.write(ALERT, b"the master process is gone")
        if order == TERMINATE:
            self._worker.stop_now()
        elif order == REOPEN:
            self._reopen()
        else:
            self._quit()

    def _look(self) -> None:
        """Say what Lua is doing: in the thread that reads signals."""
        text = "this process has not come back from Lua: " + self._lookout.look()
        self._log.write(ALERT, text.encode())

    def _reopen(self) -> None:
        self._log.write(NOTICE, b"reopening logs")
        with self._surroundings.at_home():
            self._cycle.logs.reopen()
        redirect_stderr(self._cycle.logs)

    def _quit(self) -> None:
        self._log.write(NOTICE, b"gracefully shutting down")
        if self._is_ending:
            return
        self._is_ending = True
        set_title(self._name, "worker process is shutting down")
        self._worker.stop()
        limit = self._cycle.settings["worker_shutdown_timeout"]
        if limit:
            self._nursery.start_soon(self._limit_drain, limit)

    async def _limit_drain(self, limit: float) -> None:
        await trio.sleep(limit)
        self._worker.stop_now()
