"""Workers and servers for programs, and the server of ``resty-py app.lua``.

:func:`open_worker` is for programs that have a Trio loop of their own,
:func:`serve` for those that want a server task in it, :func:`serve_app` is
what the command runs.
"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from .. import __version__
from ..conf import settings
from ..conf.program import app_program, app_settings
from ..conf.template import Template
from ..shared_dict import SharedDict
from ..shm.zone import Zone
from .config import AppConfig, Limits, read_zone_size
from .listeners import Address, Listener, open_listener, parse_listen
from .log import ACCESS_LOG_BUFFER, ACCESS_LOG_FLUSH, WARN, route_logging
from .logs import Logs
from .loop import Loop
from .stopping import stop_signals
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

__all__ = ["new_worker", "open_logs", "open_worker", "serve", "serve_app"]

#: What the log says to a SIGHUP where one process serves.
NO_RELOAD = b"SIGHUP received, ignored: it reloads the app with --workers"


@contextlib.asynccontextmanager
async def open_worker(
    *,
    access_log: Path | None = None,
    error_log: Path | None = None,
    error_level: str = "error",
    root: Path | None = None,
    limits: Limits | None = None,
    shared_dicts: Mapping[str, int | str | SharedDict] | None = None,
    **options: Any,
) -> AsyncIterator[Worker]:
    """Run a worker for as long as the block lasts.

    On leaving the block the worker is stopped at once: its light threads and
    connections end where they are. :meth:`Worker.stop` before that lets them
    finish.

    Args:
        access_log: file of the access log; None for none.
        error_log: file of the error log; None for stderr.
        error_level: least severe level that is logged, as ``error_log`` takes it.
        root: the prefix and document root; the working directory by default.
        limits: sizes, timeouts and switches.
        shared_dicts: the dictionaries of ``ngx.shared``: names, and sizes in
            bytes or as ``lua_shared_dict`` takes them, such as "10m"; or
            dictionaries that are there already.
        options: as :class:`Worker` takes them: flavour, path, resolvers.

    Yields:
        The running Worker.

    Raises:
        OSError: a log file cannot be opened, or there is no memory.
        SettingError: a dictionary's name or size is none.
        UnknownFlavourError: no such Lua flavour here.
    """
    zones = _zones(shared_dicts or {})
    path = None if error_log is None else str(error_log)
    logs = open_logs(access_log, [settings.ErrorLog(path, error_level)])
    with contextlib.closing(logs), route_logging(logs.main):
        async with _body_nursery() as nursery:
            worker = new_worker(logs, access_log, root, limits, zones=zones, **options)
            nursery.start_soon(worker.run_loop, nursery)
            try:
                yield worker
            finally:
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await worker.wait_stopped()
                worker.close()


def open_logs(access_log: Path | None, main: Sequence[settings.ErrorLog]) -> Logs:
    """Return the logs of an app.

    Raises:
        OSError: a file cannot be opened.
    """
    return Logs(main, (), (_access_log(access_log),) if access_log else ())


def new_worker(
    logs: Logs,
    access_log: Path | None,
    root: Path | None,
    limits: Limits | None,
    **options: Any,
) -> Worker:
    """Return a worker for apps; it needs no Trio loop yet.

    Args:
        logs: from :func:`open_logs`.
        access_log, root, limits: as :func:`open_worker` takes them.
        options: as :class:`Worker` takes them.
    """
    prefix = (root or Path.cwd()).resolve()
    table = _app_settings(limits or Limits(), prefix, access_log is not None)
    program = app_program(table, _access_log(access_log) if access_log else None)
    return Worker(program, logs, prefix=prefix, app_settings=table, **options)


def _app_settings(limits: Limits, root: Path, logs: bool) -> dict[bytes, Any]:
    table = app_settings(limits.as_settings(), root)
    table[b"product"] = f"resty-py/{__version__}".encode()
    if logs:
        table[b"access_logs"] = [{b"format": b"combined", b"id": 0}]
    return table


def _zones(shared_dicts: Mapping[str, int | str | SharedDict]) -> dict[bytes, Zone]:
    return {
        name.encode(): one.zone
        if isinstance(one, SharedDict)
        else Zone(name.encode(), read_zone_size(name, one))
        for name, one in shared_dicts.items()
    }


def _access_log(path: Path) -> settings.AccessLog:
    template = Template((str(path),))
    return settings.AccessLog(template, "", None, ACCESS_LOG_BUFFER, ACCESS_LOG_FLUSH)


@contextlib.asynccontextmanager
async def _body_nursery() -> AsyncIterator[trio.Nursery]:
    """Open a nursery that raises what its block raises as it is.

    What its tasks raise still comes in an exception group.
    """
    raised: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as exc:
                raised = exc
                raise
    except BaseExceptionGroup as group:
        if raised is not None and group.exceptions == (raised,):
            raise raised from raised.__cause__
        raise


async def serve(
    app: Path | str | bytes,
    listen: Iterable[Address | str] = ("127.0.0.1:8080",),
    *,
    task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED,
    **options: Any,
) -> None:
    """Serve a Lua app until cancelled.

    Args:
        app: path of a Lua file, or its source as bytes.
        listen: addresses as ``--listen`` takes them; port 0 is any free port.
        task_status: for ``nursery.start``: reports the addresses in use.
        options: as :func:`open_worker` takes them.

    Raises:
        ListenError: an address cannot be listened on.
        LuaError: the app does not compile.
        TypeError: *listen* is one address.
        ValueError: *listen* is empty.
    """
    if isinstance(listen, (str, Address)):
        raise TypeError("listen takes several addresses: a list of them")
    addresses = [parse_listen(a) if isinstance(a, str) else a for a in listen]
    if not addresses:
        raise ValueError("there is no address to listen on")
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(open_listener(a)) for a in addresses]
        async with open_worker(**options) as worker:
            _serve_on(worker, app, listeners)
            task_status.started([listener.address for listener in listeners])
            await trio.sleep_forever()


def _serve_on(
    worker: Worker, app: Path | str | bytes, listeners: Iterable[Listener]
) -> None:
    for listener in listeners:
        worker.serve(Path(app) if isinstance(app, str) else app, listener)


def serve_app(config: AppConfig) -> int:
    """Serve an app until a signal stops it: the command ``resty-py app.lua``.

    SIGINT, SIGTERM or SIGQUIT ends it gracefully, a second one at once. SIGUSR1
    opens its logs again; SIGHUP reloads the app where there is a master.

    Returns:
        The exit code.

    Raises:
        ListenError, LuaError, OSError: it could not start.
    """
    if config.workers:
        from .app_master import serve_by_workers

        return serve_by_workers(config)
    Loop().run(_serve_app, config)
    return 0


async def _serve_app(config: AppConfig) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(open_listener(a)) for a in config.listen]
        async with open_worker(
            access_log=config.access_log,
            error_log=config.error_log,
            error_level=config.error_level,
            flavour=config.flavour,
            path=config.path,
            root=config.root,
            limits=config.limits,
            resolvers=config.resolvers,
            shared_dicts=dict(config.shared_dicts),
            blocking_warning=config.blocking_warning,
        ) as worker:
            _serve_on(worker, config.app, listeners)

            def stop() -> None:
                # The worker closes its own copies; clients are refused with the last.
                for listener in listeners:
                    listener.close()
                worker.stop()

            def refuse_reload() -> None:
                worker.logs.main.write(WARN, NO_RELOAD)

            others = {signal.SIGUSR1: worker.logs.reopen, signal.SIGHUP: refuse_reload}
            with stop_signals(stop, worker.stop_now, others):
                await worker.wait_stopped()
