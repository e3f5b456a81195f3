"""The console where no configuration says anything: no conf engine is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..conf.served import ErrorLog, Program, ThreadPool
from .console import CONSOLE_SETTINGS, Console
from .logs import Logs

if TYPE_CHECKING:
    from ..cli.run_options import Options

__all__ = ["open_plain"]

#: nginx's default thread pool.
_THREAD_POOL = ThreadPool("default", 32)


def open_plain(options: Options) -> Console:
    """Return a console that runs with nginx's defaults.

    Raises:
        OSError: there is no memory for a dictionary, or a size that none has.
        UnknownFlavourError: no such flavour here.
        ValueError: an option has no such value.
    """
    table = {
        b"settings": dict(CONSOLE_SETTINGS),
        b"servers": [],
        b"endpoints": [],
    }
    program = Program(
        table,
        shared_dicts=tuple(_shared_dicts(options)),
        thread_pools=(_THREAD_POOL,),
    )
    return Console(
        program,
        Logs([ErrorLog(None, options.level)]),
        prefix=Path.cwd(),
        flavour=options.flavour,
        path=tuple(options.include),
        resolvers=tuple(options.nameservers),
    )


def _shared_dicts(options: Options) -> list[tuple[bytes, int]]:
    if not options.shdicts:
        return []
    from ..shared_dict import zone_size

    return [(name.encode(), zone_size(size)) for name, size in options.shdicts]
