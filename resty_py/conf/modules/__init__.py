"""The directives of nginx and its modules, one file per module or family.

``MODULES`` has the tables in nginx's order, ``COMMANDS`` the rows by name. A
name may have several rows; the first that may stand in a place counts there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    access,
    backends,
    bundle,
    core,
    echo,
    filters,
    geo,
    headers,
    headers_more,
    http,
    limits,
    log,
    lua,
    mirror,
    proxy,
    realip,
    referer,
    rest,
    rewrite,
    secure_link,
    set_misc,
    split_clients,
    ssl,
    static,
    stub_status,
    upstream,
)
from . import map as map_module
from .core import INCLUDE

if TYPE_CHECKING:
    from ..table import Command, Module

__all__ = ["COMMANDS", "INCLUDE", "MODULES"]

MODULES: tuple[Module, ...] = (
    *core.MODULES,
    *http.MODULES,
    *log.MODULES,
    *access.MODULES,
    *limits.MODULES,
    *rewrite.MODULES,
    *static.MODULES,
    *map_module.MODULES,
    *geo.MODULES,
    *split_clients.MODULES,
    *referer.MODULES,
    *secure_link.MODULES,
    *stub_status.MODULES,
    *realip.MODULES,
    *headers.MODULES,
    *filters.MODULES,
    *lua.MODULES,
    *echo.MODULES,
    *headers_more.MODULES,
    *set_misc.MODULES,
    *proxy.MODULES,
    *mirror.MODULES,
    *backends.MODULES,
    *upstream.MODULES,
    *ssl.MODULES,
    *rest.MODULES,
    *bundle.MODULES,
)


def _by_name() -> dict[str, tuple[Command, ...]]:
    rows: dict[str, tuple[Command, ...]] = {}
    for module in MODULES:
        for command in module.commands:
            rows[command.name] = (*rows.get(command.name, ()), command)
    return rows


COMMANDS = _by_name()
