"""A process that serves: one worker at a time, the one before while it drains.

Follows ``ngx_signal_handler``, ``ngx_single_process_cycle`` and, for what a
single process of nginx does not do, ``ngx_worker_process_cycle``:

1. TERM and INT end everything at once. QUIT lets requests and timers finish,
   for ``worker_shutdown_timeout`` at most. HUP after either comes too late.
2. HUP opens the new configuration beside the old one; if that fails, the old
   one goes on as if nothing had been. Its sockets are kept where both have
   them. When the new worker has begun the old one drains as by QUIT.
3. HUP and USR1 are done one after the other. Lua runs while HUP waits for an
   address, so what needs the command's folder goes there for one step only.
4. The process ends when its last worker has.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import resource
import signal
import sys
from collections import deque
from typing import TYPE_CHECKING

import trio

from . import pidfile
from .cycle import Cycle, StartError, open_cycle, read
from .daemon import detach
from .log import ERR, NOTICE, route_logging
from .loop import Loop
from .master import Manners, Master
from .process_log import redirect_stderr
from .signals import Signals
from .surroundings import Surroundings
from .upgrade import VARIABLE, Upgrade

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..conf.model import Config
    from .cycle import Source
    from .process_log import ProcessLog
    from .role import Role

__all__ = ["Process", "serve"]

logger = logging.getLogger("resty_py.server")

_ACTIONS = {
    signal.SIGALRM: "",
    signal.SIGHUP: "reconfiguring",
    signal.SIGINT: "exiting",
    signal.SIGIO: "",
    signal.SIGQUIT: "shutting down",
    signal.SIGTERM: "exiting",
    signal.SIGUSR1: "reopening logs",
    signal.SIGUSR2: "ignoring",
    signal.SIGWINCH: "",
}

#: What ends the process at once, whatever Lua does, if it comes twice.
ENDING = (signal.SIGINT, signal.SIGTERM)

#: Exit codes: it could not start; a worker could not be what it should.
FAILED, FATAL = 1, 2


def serve(source: Source, config: Config, version: str, log: ProcessLog) -> int:
    """Serve *config* until a signal ends it, and return the exit code.

    Args:
        source: where the configuration comes from.
        config: the configuration.
        version: how the server calls itself.
        log: the log of the command.
    """
    upgrade = Upgrade(log, os.environ.pop(VARIABLE, None))
    with contextlib.closing(Surroundings()) as surroundings:
        try:
            if config.settings["master_process"]:
                master = _open_master(source, config, log, surroundings, upgrade)
                run = master.run
            else:
                cycle, clock = trio.run(_open, source, config, log, surroundings)
                process = Process(source, cycle, surroundings, log)
                run = functools.partial(process.run, clock)
        except StartError:
            return FAILED
        _log_system(version, config, log)
        return run()


def _open_master(
    source: Source,
    config: Config,
    log: ProcessLog,
    surroundings: Surroundings,
    upgrade: Upgrade,
) -> Master[Cycle]:
    """Return a master that has opened *config*."""
    clock = trio.run(_system_clock)

    def open_next(former: Cycle | None, role: Role) -> Cycle:
        with surroundings.at_home():
            given = read(source, log) if former else config
        return trio.run(
            open_cycle,
            source, given, log, surroundings, former, role, upgrade.listeners,
            clock=clock,
        )  # fmt: skip

    manners = Manners("nginx", (sys.argv[0], *sys.argv[1:]))
    master = Master(open_next, surroundings, log, clock, manners, upgrade)
    master.open()
    return master


async def _system_clock() -> trio.abc.Clock:
    return trio.lowlevel.current_clock()


async def _open(
    source: Source, config: Config, log: ProcessLog, surroundings: Surroundings
) -> tuple[Cycle, trio.abc.Clock]:
    """Return the configuration, open, and the clock that its VM has seen."""
    cycle = await open_cycle(source, config, log, surroundings)
    return cycle, trio.lowlevel.current_clock()


def _log_system(version: str, config: Config, log: ProcessLog) -> None:
    system = os.uname()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lines = [
        version,
        f"OS: {system.sysname} {system.release}",
        f"getrlimit(RLIMIT_NOFILE): {limits[0]}:{limits[1]}",
    ]
    alone = not config.settings["master_process"]
    if alone and config.settings["user"] and os.geteuid() == 0:
        lines.append('"user" has no effect: a single process keeps its own')
    for line in lines:
        log.write(NOTICE, line.encode())


class Process:
    """A process that serves a configuration, and others after it.

    Args:
        source: where they come from.
        cycle: the first one, open.
        surroundings: those of the process.
        log: its log.
    """

    def __init__(
        self, source: Source, cycle: Cycle, surroundings: Surroundings, log: ProcessLog
    ) -> None:
        self._source = source
        self._cycle = cycle
        self._surroundings = surroundings
        self._log = log
        self._running: list[Cycle] = []
        self._is_ending = False
        self._reloading = trio.CancelScope()
        self._chores: deque[Callable[[], Awaitable[None]]] = deque()
        self._has_chores = trio.Event()
        self._over = trio.Event()
        self._routes = contextlib.ExitStack()

    def run(self, clock: trio.abc.Clock) -> int:
        """Serve until a signal ends it, in the background if so configured.

        Args:
            clock: of the loop.

        Returns:
            The exit code.
        """
        ready = None
        try:
            if self._cycle.settings["daemon"]:
                ready = detach(self._log)
                if ready is None:
                    return FAILED
                self._adopt_sockets()
            caught = Signals(
                _ACTIONS,
                ENDING,
                self._abandon,
                restarts=self._cycle.restarts_calls,
                for_good=True,
            )
            with caught as signals:
                return self._run(signals, clock, ready)
        finally:
            self._cycle.close_sockets()
            self._cycle.worker.close()
            self._cycle.logs.close()

    def _adopt_sockets(self) -> None:
        for one in self._cycle.sockets.values():
            one.listener.adopt()

    def _run(
        self,
        signals: Signals,
        clock: trio.abc.Clock,
        ready: Callable[[], None] | None,
    ) -> int:
        settings = self._cycle.settings
        if not pidfile.create(settings["pid"], self._log):
            return FAILED
        redirect_stderr(self._cycle.logs)
        self._log.leave_stderr()
        try:
            if not self._surroundings.enter(settings, self._log):
                return FATAL
            if ready is not None:
                ready()
            return self._run_loop(signals, clock)
        finally:
            with self._surroundings.at_home():
                pidfile.remove(self._cycle.settings["pid"], self._log)
            self._log.write(NOTICE, b"exit")

    def _run_loop(self, signals: Signals, clock: trio.abc.Clock) -> int:
        with self._routes:
            self._route_logging()
            try:
                Loop().run(self._serve, signals, clock=clock)
            except Exception:
                logger.critical("the server failed", exc_info=True)
                return FAILED
        return 0

    def _route_logging(self) -> None:
        self._routes.close()
        self._routes.enter_context(route_logging(self._cycle.logs.main))

    def _abandon(self) -> None:
        """Take away what would be in the way of the next process."""
        with self._surroundings.at_home():
            pidfile.remove(self._cycle.settings["pid"], self._log)
            self._cycle.close_sockets()

    # The loop -------------------------------------------------------------------

    async def _serve(self, signals: Signals) -> None:
        with signals.watch(self._take):
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._start()
                nursery.start_soon(self._do_chores)
                await self._over.wait()
                nursery.cancel_scope.cancel()
        self._log.write(NOTICE, b"exiting")

    def _start(self) -> None:
        """Let the worker of the configuration in force serve."""
        cycle = self._cycle
        self._running.append(cycle)
        self._nursery.start_soon(self._run_worker, cycle)

    async def _run_worker(self, cycle: Cycle) -> None:
        try:
            async with trio.open_nursery() as tasks:
                await cycle.worker.run_loop(tasks)
                tasks.cancel_scope.cancel()
        finally:
            self._running.remove(cycle)
            if cycle is not self._cycle:
                cycle.worker.close()
                cycle.logs.close()
            if not self._running:
                self._over.set()

    async def _do_chores(self) -> None:
        while True:
            await self._has_chores.wait()
            self._has_chores = trio.Event()
            while self._chores:
                await self._chores.popleft()()

    def _take(self, number: int) -> None:
        """Do what a signal asks for."""
        caught = signal.Signals(number)
        action = _ACTIONS[caught]
        text = f"signal {number} ({caught.name}) received{action and ', '}{action}"
        self._log.write(NOTICE, text.encode())
        if caught in ENDING:
            self._terminate()
        elif caught == signal.SIGQUIT:
            self._quit()
        elif caught == signal.SIGHUP and not self._is_ending:
            self._put_off(self._reload)
        elif caught == signal.SIGUSR1:
            self._put_off(self._reopen)
        elif caught == signal.SIGUSR2:
            self._log.write(ERR, b"changing binary is not supported yet by resty-py")

    def _put_off(self, chore: Callable[[], Awaitable[None]]) -> None:
        self._chores.append(chore)
        self._has_chores.set()

    # Ending ---------------------------------------------------------------------

    def _terminate(self) -> None:
        self._end()
        for cycle in self._running:
            cycle.worker.stop_now()

    def _quit(self) -> None:
        if not self._is_ending:
            self._end()
            self._log.write(NOTICE, b"gracefully shutting down")
            for cycle in self._running:
                self._drain(cycle)

    def _end(self) -> None:
        self._is_ending = True
        self._reloading.cancel()
        with self._surroundings.at_home():
            self._cycle.close_sockets()

    def _drain(self, cycle: Cycle) -> None:
        """Let a worker finish what it has begun."""
        cycle.worker.stop()
        limit = cycle.settings["worker_shutdown_timeout"]
        if limit:
            self._nursery.start_soon(self._limit_drain, cycle, limit)

    async def _limit_drain(self, cycle: Cycle, limit: float) -> None:
        await trio.sleep(limit)
        if cycle in self._running:
            cycle.worker.stop_now()

    # Chores ---------------------------------------------------------------------

    async def _reopen(self) -> None:
        self._log.write(NOTICE, b"reopening logs")
        with self._surroundings.at_home():
            for cycle in self._running:
                cycle.logs.reopen()
        redirect_stderr(self._cycle.logs)

    async def _reload(self) -> None:
        self._log.write(NOTICE, b"reconfiguring")
        self._reloading = trio.CancelScope()
        with self._reloading, contextlib.suppress(StartError):
            former = self._cycle
            try:
                self._put_in_force(await self._open_next())
            finally:
                self._log.use(self._cycle.logs.main)
                self._surroundings.enter(self._cycle.settings, self._log)
            self._start()
            # Within two rounds of the scheduler the new one has begun.
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            self._drain(former)

    async def _open_next(self) -> Cycle:
        """Open the configuration as it is now."""
        with self._surroundings.at_home():
            config = read(self._source, self._log)
        return await open_cycle(
            self._source,
            config,
            self._log,
            self._surroundings,
            self._cycle,
        )

    def _put_in_force(self, cycle: Cycle) -> None:
        former, self._cycle = self._cycle, cycle
        with self._surroundings.at_home():
            if cycle.settings["pid"] != former.settings["pid"]:
                pidfile.remove(former.settings["pid"], self._log)
            former.close_sockets(but=cycle.sockets.values())
        redirect_stderr(cycle.logs)
        self._route_logging()
