"""One configuration and what serves it: nginx's ``ngx_cycle_t``.

Follows ``ngx_init_cycle``: folders, logs, sockets, then the VM, each of which
may fail. Whatever fails is logged in nginx's words where it does, what was
opened is closed again, and :class:`StartError` says only that it did.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from ..conf.errors import ConfError
from ..conf.loader import load
from ..conf.model import If
from ..conf.program import compile_program
from ..conf.settings import ErrorLog
from ..host.shm import open_zones
from ..vm import LuaError
from . import pidfile
from .counter import Counter
from .endpoints import Socket, bind, group_inherited, try_bind
from .listeners import ListenError
from .log import EMERG, ERR, NOTICE, failed_call, find_level
from .logs import Logs
from .privileges import owner
from .role import Role
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ..conf.errors import Notice
    from ..conf.model import Config, Location
    from ..conf.program import Program
    from ..shm.zone import Zone
    from .listeners import Listener
    from .process_log import ProcessLog
    from .surroundings import Surroundings

__all__ = ["Cycle", "Source", "StartError", "check", "open_cycle", "read"]

#: What nginx misses only when it has understood everything.
NO_EVENTS = 'no "events" section in configuration'

#: Mode of folders for temporary files: ``ngx_create_paths``.
FOLDER_MODE = 0o700


class StartError(Exception):
    """A configuration cannot be served; the log has the reason."""


@dataclass(frozen=True)
class Source:
    """Where a configuration comes from: the options of the command.

    Attributes:
        prefix: what its paths are relative to; ends with a slash.
        path: the file; relative to *prefix*.
        directives: the text of ``-g``.
        error_log: the main error log if it names none; None for stderr.
        lenient: leave out what is not supported yet.
        flavour: the Lua flavour, or None for the best one.
    """

    prefix: str
    path: str
    directives: str = ""
    error_log: str | None = None
    lenient: bool = False
    flavour: str | None = None


@dataclass(frozen=True, eq=False)
class Cycle:
    """A configuration that is served.

    Attributes:
        config: the configuration.
        logs: its open logs.
        sockets: what it listens on, by number of the endpoint.
        worker: what serves it.
        worker_count: how many workers of a master there are to be.
    """

    config: Config
    logs: Logs
    sockets: dict[int, Socket]
    worker: Worker
    worker_count: int = 1

    @property
    def settings(self) -> Any:
        """The settings of the main block."""
        return self.config.settings

    @property
    def restarts_calls(self) -> bool:
        """Whether system calls go on after a signal: ``lua_sa_restart``."""
        http = self.config.http
        return http is None or bool(http.settings["lua_sa_restart"])

    def listen(self, number: int = 0) -> None:
        """Let the worker accept once it runs.

        Args:
            number: which of a master's workers it is.

        Raises:
            OSError: there are no more descriptors.
        """
        for place, one in self.sockets.items():
            self.worker.listen(place, one.of_worker(number))

    def close_sockets(self, but: Iterable[Socket] = ()) -> None:
        """Close the sockets that are not among *but*; the worker has its own."""
        close_sockets(self.sockets, but)


def read(
    source: Source, log: ProcessLog, is_read: Callable[[], None] = lambda: None
) -> Config:
    """Read the configuration and log what there is to say about it.

    Args:
        source: where it comes from.
        log: is told what is wrong with it.
        is_read: called when all of it is understood, as one may say then.

    Raises:
        StartError: it cannot be used.
    """
    try:
        config = load(
            source.path, source.prefix, source.directives, lenient=source.lenient
        )
    except ConfError as exc:
        _log_notices(exc.notices, log)
        if exc.text == NO_EVENTS:
            is_read()
        _log_conf_error(exc, log)
        raise StartError from exc
    _log_notices(config.notices, log)
    is_read()
    return config


def _log_notices(notices: Iterable[Notice], log: ProcessLog) -> None:
    for notice in notices:
        # As it is written to stderr, without "nginx: [warn] ".
        text = str(notice).partition("] ")[2]
        log.write(find_level(notice.level), os.fsencode(text))


def _log_conf_error(exc: ConfError, log: ProcessLog) -> None:
    log.write(find_level(exc.level), os.fsencode(exc.text))


async def open_cycle(
    source: Source,
    config: Config,
    log: ProcessLog,
    surroundings: Surroundings,
    former: Cycle | None = None,
    role: Role | None = None,
    inherited: Iterable[Listener] = (),
    make_worker: Callable[..., Worker] = Worker,
) -> Cycle:
    """Open all that *config* needs, up to and including ``init_by_lua``.

    Args:
        source: where the configuration comes from.
        config: the configuration.
        log: is told what fails, and goes on in the logs of the configuration.
        surroundings: those of the process.
        former: the one that is served: what both have is kept.
        role: of the master that forks workers; None: it is served by this process.
        inherited: listeners that another server has handed on.
        make_worker: makes what is to serve it.

    Raises:
        StartError: something cannot be opened, or ``init_by_lua`` failed.
    """
    program = compile_program(config)
    with surroundings.at_home():
        logs = _open_files(source, config, program, log)
    log.use(logs.main)
    kept = former.sockets.values() if former else group_inherited(inherited)
    count = config.settings["worker_processes"] if role else 1
    if role is not None:
        role.count = count
    sockets: dict[int, Socket] = {}
    try:
        zones = _open_zones(program, former, log)
        sockets = await _bind(config, kept, log, surroundings, count)
        log.write(NOTICE, b'using the "epoll" event method')
        surroundings.prepare(config.settings)
        with surroundings.at_home():
            own = role or _alone(config, former)
            worker = _make_worker(
                source, config, program, logs, log, zones, own, make_worker
            )
        cycle = Cycle(config, logs, sockets, worker, count)
        if former is not None:
            with surroundings.at_home():
                _write_pid(cycle, former, log)
        if role is None:
            _listen(cycle, log)
    except BaseException:
        close_sockets(sockets, but=kept)
        logs.close()
        raise
    return cycle


def check(source: Source, log: ProcessLog, is_read: Callable[[], None]) -> Config:
    """Read the configuration and find out whether it could be opened, but for Lua.

    Args:
        source, log, is_read: as :func:`read` takes them.

    Raises:
        StartError: it could not.
    """
    config = read(source, log, is_read)
    if not pidfile.probe(config.settings["pid"], log):
        raise StartError
    logs = _open_files(source, config, compile_program(config), log)
    log.use(logs.main)
    with contextlib.closing(logs):
        try:
            try_bind(config.http.endpoints if config.http else (), log)
        except ListenError as exc:
            raise StartError from exc
    return config


def _open_files(
    source: Source, config: Config, program: Program, log: ProcessLog
) -> Logs:
    for folder in _temporary_folders(config):
        _make_folder(folder, owner(config.settings), log)
    main = config.settings["error_log"] or (ErrorLog(source.error_log, "error"),)
    try:
        return Logs(main, program.error_logs, program.access_logs)
    except OSError as exc:
        log.write(EMERG, failed_call(f'open() "{exc.filename}"', exc))
        raise StartError from exc


async def _bind(
    config: Config,
    former: Collection[Socket],
    log: ProcessLog,
    surroundings: Surroundings,
    workers: int,
) -> dict[int, Socket]:
    endpoints = config.http.endpoints if config.http else ()
    with contextlib.closing(bind(endpoints, former, log, workers)) as binding:
        try:
            while True:
                with surroundings.at_home():
                    pause = next(binding)
                await trio.sleep(pause)
        except StopIteration as stop:
            sockets: dict[int, Socket] = stop.value
            return sockets
        except ListenError as exc:
            raise StartError from exc


def close_sockets(sockets: Mapping[int, Socket], but: Iterable[Socket] = ()) -> None:
    """Close those of *sockets* that are not among *but*."""
    kept = {listener for one in but for listener in one.listeners}
    for one in sockets.values():
        for listener in one.listeners:
            if listener not in kept:
                listener.close()


def _open_zones(
    program: Program, former: Cycle | None, log: ProcessLog
) -> dict[bytes, Zone]:
    """Return the memory of the shared dictionaries; what *former* has is kept."""
    try:
        return open_zones(program.shared_dicts, former.worker.zones if former else None)
    except OSError as exc:
        log.write(EMERG, failed_call(exc.filename, exc))
        raise StartError from exc


def _alone(config: Config, former: Cycle | None) -> Role:
    """Return the role of a process without others."""
    counter = former.worker.role.counter if former else Counter()
    return Role(count=config.settings["worker_processes"], counter=counter)


def _make_worker(
    source: Source,
    config: Config,
    program: Program,
    logs: Logs,
    log: ProcessLog,
    zones: dict[bytes, Zone],
    role: Role,
    make_worker: Callable[..., Worker],
) -> Worker:
    try:
        return make_worker(
            program,
            logs,
            prefix=Path(config.prefix),
            flavour=source.flavour,
            zones=zones,
            role=role,
            blocking_warning=config.settings["worker_blocking_warning"],
        )
    except ConfError as exc:
        _log_conf_error(exc, log)
        raise StartError from exc
    except LuaError as exc:
        log.write(ERR, str(exc).encode(errors="surrogateescape"))
        raise StartError from exc
    except OSError as exc:
        log.write(EMERG, failed_call("epoll_create()", exc))
        raise StartError from exc


def _write_pid(cycle: Cycle, former: Cycle, log: ProcessLog) -> None:
    """Write the pid file if it has another name than the one of before."""
    path = cycle.settings["pid"]
    if path != former.settings["pid"] and not pidfile.create(path, log):
        cycle.worker.close()
        raise StartError


def _listen(cycle: Cycle, log: ProcessLog) -> None:
    """Let the worker accept from the sockets once it runs."""
    try:
        cycle.listen()
    except OSError as exc:
        cycle.worker.close()
        log.write(EMERG, failed_call("dup()", exc))
        raise StartError from exc


# Folders ---------------------------------------------------------------------


def _make_folder(path: str, user: tuple[int, int] | None, log: ProcessLog) -> None:
    """Make a folder that workers write in: ``ngx_create_paths``."""
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        pass
    except OSError as exc:
        log.write(EMERG, failed_call(f'mkdir() "{path}"', exc))
        raise StartError from exc
    if user is None:
        return
    try:
        if os.stat(path).st_uid != user[0]:
            os.chown(path, user[0], -1)
    except OSError as exc:
        log.write(EMERG, failed_call(f'chown("{path}", {user[0]})', exc))
        raise StartError from exc


def _temporary_folders(config: Config) -> list[str]:
    """Return the folders of request bodies, each once."""
    servers = config.http.servers if config.http else ()
    locations = (each for server in servers for each in _locations(server.base))
    return list(dict.fromkeys(_body_folder(each) for each in locations))


def _body_folder(location: Location) -> str:
    folder: str = location.settings["client_body_temp_path"]
    return folder


def _locations(location: Location) -> Iterator[Location]:
    yield location
    for inner in location.locations:
        yield from _locations(inner)
    for step in location.script:
        if isinstance(step, If):
            yield from _locations(step.location)
    if location.limit_except is not None:
        yield from _locations(location.limit_except.location)
