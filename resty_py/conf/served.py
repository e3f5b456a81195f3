"""A program as a worker takes it, apart from what compiles one.

What a worker needs without a configuration is here, too: :mod:`.settings` has
more, and takes longer to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .settings import AccessLog, Resolver, Syslog

__all__ = ["ErrorLog", "Program", "ThreadPool"]


@dataclass(frozen=True)
class ErrorLog:
    """``error_log path [level]``; the path is None for stderr, or a syslog server's."""

    path: str | None
    level: str
    syslog: Syslog | None = None


@dataclass(frozen=True)
class ThreadPool:
    """``thread_pool name threads=n [max_queue=n]``."""

    name: str
    threads: int
    max_queue: int = 65536


@dataclass(frozen=True)
class Program:
    """What a worker serves.

    Attributes:
        table: for ``lualib/resty_py/program``.
        error_logs: the lists of error logs; their places are the ids in *table*.
        access_logs: the access logs of constant paths, by id.
        package_path: ``lua_package_path``, if it is said.
        package_cpath: ``lua_package_cpath``, if it is said.
        resolvers: those that blocks name, by number.
        shared_dicts: names and sizes of the shared dictionaries, and of zones of
            the server's own: see :data:`resty_py.host.shm.OWN`.
        thread_pools: those of ``ngx.run_worker_thread``.
    """

    table: dict[bytes, Any]
    error_logs: tuple[tuple[ErrorLog, ...], ...] = ()
    access_logs: tuple[AccessLog, ...] = ()
    package_path: str | None = None
    package_cpath: str | None = None
    resolvers: tuple[Resolver, ...] = ()
    shared_dicts: tuple[tuple[bytes, int], ...] = ()
    thread_pools: tuple[ThreadPool, ...] = ()
