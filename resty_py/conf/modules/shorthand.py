"""Words that all tables use: contexts, and rows of the common shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..kinds import FLAG, NOTHING, TEMP_PATH
from ..table import (
    EVENTS,
    HTTP,
    LIMIT_EXCEPT,
    LOCATION,
    LOCATION_IF,
    MAIN,
    SERVER,
    SERVER_IF,
    UPSTREAM,
    Command,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..table import Context

__all__ = [
    "EVENTS",
    "HTTP",
    "HTTP_SERVER",
    "INERT",
    "LATER",
    "LIMITED",
    "LIMIT_EXCEPT",
    "LOCAL",
    "LOCATION",
    "LOCATIONS",
    "LOCATION_IF",
    "MAIN",
    "REWRITE",
    "SERVER",
    "UPSTREAM",
    "WITH_IF",
    "WITH_LIMIT",
    "flag",
    "later",
    "temp_path",
]

INERT = Status.INERT
LATER = Status.LATER

HTTP_SERVER = HTTP | SERVER
LOCAL = HTTP | SERVER | LOCATION
LOCATIONS = LOCATION | LOCATION_IF
WITH_IF = LOCAL | LOCATION_IF
WITH_LIMIT = LOCAL | LIMIT_EXCEPT
LIMITED = WITH_IF | LIMIT_EXCEPT
REWRITE = SERVER | SERVER_IF | LOCATION | LOCATION_IF


def temp_path(name: str) -> Command:
    """Return the row of a folder for temporary files that are never made."""
    return Command(name, LOCAL, "1-4", TEMP_PATH, status=INERT)


def flag(name: str, contexts: Context, default: str, **more: Any) -> Command:
    """Return the row of a switch."""
    return Command(name, contexts, "1", FLAG, default, **more)


def later(contexts: Context, arity: str, names: str, **more: Any) -> Iterator[Command]:
    """Yield the rows of directives that are not supported yet.

    Args:
        contexts: where they may stand.
        arity: how many arguments they take.
        names: their names, parted by white space.
        more: other columns of :class:`Command`.
    """
    for name in names.split():
        yield Command(name, contexts, arity, NOTHING, status=LATER, **more)
