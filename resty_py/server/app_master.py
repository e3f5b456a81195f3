"""``resty-py app.lua --workers N``: a master whose workers serve one app.

HUP compiles the app anew: workers start that serve it as it is now, and those of
before finish. All else is the master's (:mod:`~resty_py.server.master`).
"""

from __future__ import annotations

import contextlib
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from ..conf.settings import ErrorLog
from ..vm import LuaError
from .cycle import StartError, close_sockets
from .endpoints import Socket
from .listeners import open_listener
from .log import EMERG, failed_call
from .master import Manners, Master
from .process_log import ProcessLog
from .serving import new_worker, open_logs
from .surroundings import SameSurroundings
from .upgrade import Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .config import AppConfig
    from .logs import Logs
    from .role import Role
    from .worker import Worker

__all__ = ["serve_by_workers"]

#: What ends a server gracefully the first time: Ctrl-C, and what supervisors send.
GENTLE = frozenset({signal.SIGINT, signal.SIGTERM})

#: Why SIGUSR2 starts no other server: nothing would tell which of the two is which.
NO_UPGRADE = "an app has no pid file for another server to take over"

#: What a configuration would say of the main block.
_SETTINGS: dict[str, Any] = {
    "daemon": False,
    "env": (),
    "pid": None,
    "user": None,
    "worker_cpu_affinity": None,
    "worker_patience": 0,
    "worker_priority": None,
    "worker_shutdown_timeout": 0,
}


@dataclass(frozen=True, eq=False)
class AppCycle:
    """An app that is served: what a :class:`~resty_py.server.cycle.Cycle` has.

    Attributes:
        handler: the app, loaded once for all workers.
        logs: its open logs.
        sockets: what it listens on.
        worker: what serves it.
        worker_count: how many workers there are to be.
    """

    handler: Any
    logs: Logs
    sockets: dict[int, Socket]
    worker: Worker
    worker_count: int

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the main block."""
        return _SETTINGS

    @property
    def restarts_calls(self) -> bool:
        """Whether system calls go on after a signal."""
        return True

    def listen(self, _number: int = 0) -> None:
        """Let the worker accept once it runs."""
        for one in self.sockets.values():
            self.worker.serve_loaded(self.handler, one.listener)

    def close_sockets(self, but: Iterable[Socket] = ()) -> None:
        """Close the sockets that are not among *but*."""
        close_sockets(self.sockets, but)


def serve_by_workers(config: AppConfig) -> int:
    """Serve an app by ``config.workers`` processes and return the exit code.

    Raises:
        ListenError, LuaError, OSError: it could not start.
    """
    # Opening the app opens its error log, or says why that cannot be.
    log = ProcessLog("", "", config.error_level, "resty-py")
    clock = trio.run(_system_clock)

    def open_next(former: AppCycle | None, role: Role) -> AppCycle:
        try:
            cycle = trio.run(_open, config, former, role, clock=clock)
        except (LuaError, OSError) as exc:
            if former is None:
                raise
            log.write(EMERG, _reason(exc))
            raise StartError from exc
        log.use(cycle.logs.main)
        return cycle

    manners = Manners("resty-py", (sys.argv[0], *sys.argv[1:]), GENTLE, NO_UPGRADE)
    upgrade = Upgrade(log, None)
    with contextlib.closing(SameSurroundings()) as surroundings:
        master = Master(open_next, surroundings, log, clock, manners, upgrade)
        master.open()
        return master.run()


def _reason(exc: LuaError | OSError) -> bytes:
    """Return why an app cannot be opened, as the log shall have it."""
    if isinstance(exc, OSError):
        call = f'open() "{exc.filename}"' if exc.filename else "epoll_create()"
        return failed_call(call, exc)
    return str(exc).encode(errors="surrogateescape")


async def _system_clock() -> trio.abc.Clock:
    return trio.lowlevel.current_clock()


async def _open(config: AppConfig, former: AppCycle | None, role: Role) -> AppCycle:
    """Open all that the app needs."""
    role.count = config.workers
    path = None if config.error_log is None else str(config.error_log)
    with contextlib.ExitStack() as stack:
        logs = open_logs(config.access_log, [ErrorLog(path, config.error_level)])
        stack.callback(logs.close)
        sockets = dict(former.sockets) if former else {}
        for number, address in enumerate(config.listen):
            if number not in sockets:
                listener = stack.enter_context(open_listener(address))
                sockets[number] = Socket(listener, None)
        worker = new_worker(
            logs,
            config.access_log,
            config.root,
            config.limits,
            flavour=config.flavour,
            path=config.path,
            resolvers=config.resolvers,
            zones=former.worker.zones if former else _zones(config),
            role=role,
            blocking_warning=config.blocking_warning,
        )
        stack.callback(worker.close)
        handler = worker.load_app(config.app)
        stack.pop_all()
    return AppCycle(handler, logs, sockets, worker, config.workers)


def _zones(config: AppConfig) -> dict[bytes, Any]:
    from ..shm.zone import Zone

    return {name.encode(): Zone(name.encode(), s) for name, s in config.shared_dicts}
