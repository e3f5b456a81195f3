"""What a master and its workers serve, whatever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .endpoints import Socket
    from .logs import Logs
    from .worker import Worker

__all__ = ["Served"]


class Served(Protocol):
    """What a master serves: a :class:`~resty_py.server.cycle.Cycle` or its like."""

    @property
    def logs(self) -> Logs:
        """Its open logs."""

    @property
    def sockets(self) -> dict[int, Socket]:
        """What it listens on, by number."""

    @property
    def worker(self) -> Worker:
        """What serves it."""

    @property
    def worker_count(self) -> int:
        """How many workers there are to be."""

    @property
    def settings(self) -> Any:
        """The settings of the main block."""

    @property
    def restarts_calls(self) -> bool:
        """Whether system calls go on after a signal: ``lua_sa_restart``."""

    def listen(self, number: int = 0) -> None:
        """Let the worker accept once it runs, as that number of a worker."""

    def close_sockets(self, but: Iterable[Socket] = ()) -> None:
        """Close the sockets that are not among *but*."""
