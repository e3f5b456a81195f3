"""The console with directives of the command line: the conf engine reads them."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from ..cli.run_options import conf_quoted
from . import cycle
from .console import Console
from .process_log import ProcessLog
from .surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..cli.run_options import Options

__all__ = ["configuration", "open_configured"]

TEMPLATE = """\
daemon off;
master_process off;
worker_processes 1;
pid logs/nginx.pid;

error_log stderr {level};

{main}events {{
    worker_connections {connections};
}}

http {{
    access_log off;
    lua_socket_log_errors off;
    lua_regex_cache_max_entries 40960;
{http}}}
"""


def configuration(options: Options) -> str:
    """Return the text of the configuration that *options* make."""
    return TEMPLATE.format(
        level=options.level,
        connections=options.connections,
        main="".join(f"{text}\n\n" for text in options.main_conf),
        http="".join(f"    {line}\n" for line in _http(options)),
    )


def _http(options: Options) -> Iterator[str]:
    if options.nameservers:
        yield f"resolver {' '.join(options.resolver_words)};"
    if options.include:
        yield f"lua_package_path {_path(options, '?.lua', '?/init.lua')};"
        yield f"lua_package_cpath {_path(options, '?.so')};"
    for name, size in options.shdicts:
        yield f"lua_shared_dict {name} {size};"
    yield from options.http_conf


def _path(options: Options, *patterns: str) -> str:
    places = [f"{folder}/{p}" for folder in options.include for p in patterns]
    return conf_quoted(";".join([*places, ";"]))


def open_configured(options: Options) -> Console | None:
    """Return a console that runs with the directives of *options*.

    Returns:
        None: they cannot be used, and stderr says why in nginx's words.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="resty_"))
        for name in ("conf", "logs"):
            os.mkdir(os.path.join(folder, name))
        Path(folder, "conf/nginx.conf").write_bytes(os.fsencode(configuration(options)))
        source = cycle.Source(
            prefix=os.path.join(folder, ""),
            path="conf/nginx.conf",
            flavour=options.flavour,
        )
        log = stack.enter_context(
            contextlib.closing(ProcessLog(source.prefix, "", "warn"))
        )
        surroundings = stack.enter_context(contextlib.closing(Surroundings()))
        # They come before our own modules, and lua_package_path after them.
        make_worker = functools.partial(Console, path=tuple(options.include))
        try:
            config = cycle.read(source, log)
            opened = trio.run(
                lambda: cycle.open_cycle(
                    source, config, log, surroundings, make_worker=make_worker
                )
            )
        except cycle.StartError:
            return None
        opened.close_sockets()
        assert isinstance(opened.worker, Console)
        return opened.worker
