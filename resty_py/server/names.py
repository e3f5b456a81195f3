"""Names of hosts that Lua looks up: by the resolvers of the program, or by its own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ..host import dns

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conf import settings
    from ..host.tasks import Tasks

__all__ = ["Names"]


class Names:
    """The resolvers of a worker, made when they are first asked.

    Args:
        nameservers: those of the resolver where the program names none; none:
            names resolve as libc does it.
        declared: the resolvers that blocks of the program name.
        tasks: what runs a look-up.
    """

    def __init__(
        self,
        nameservers: tuple[str, ...],
        declared: tuple[settings.Resolver, ...],
        tasks: Tasks,
    ) -> None:
        self._nameservers = nameservers
        self._declared = declared
        self._tasks = tasks

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``dns``."""
        return {"resolve": self._resolve}

    @functools.cached_property
    def _resolver(self) -> dns.Resolver:
        return dns.Resolver(list(self._nameservers) or None)

    @functools.cached_property
    def _resolvers(self) -> tuple[dns.Resolver, ...]:
        """Those that blocks of the program name, by number."""
        return tuple(map(_resolver, self._declared))

    def _resolve(
        self, token: int, name: bytes, timeout: float, number: int | None = None
    ) -> bool:
        """Look *name* up with a resolver of the program, or with the other one."""
        resolver = self._resolver if number is None else self._resolvers[number]
        return self._tasks.start(token, _look_up, resolver, name, timeout)


def _resolver(given: settings.Resolver) -> dns.Resolver:
    names = [dns.nameserver(host, port) for host, port in given.servers]
    return dns.Resolver(names, ipv6=given.ipv6, valid=given.valid or None)


async def _look_up(
    resolver: dns.Resolver,
    name: bytes,
    timeout: float,  # noqa: ASYNC109
) -> tuple[Any, ...]:
    addresses = await resolver.resolve(name, timeout)
    return len(addresses), *(part for address in addresses for part in address)
