"""The listening sockets of a configuration, which outlive it where they can.

Follows ``ngx_init_cycle``, ``ngx_open_listening_sockets`` and
``ngx_configure_listening_sockets``:

1. Where a port is listened on for every address, the other addresses of the
   port have no socket of their own unless their ``listen`` has parameters.
2. A socket that the configuration before has as well is kept.
3. An address that is in use is tried again, together with all others that are.
4. What cannot be set on a socket is said and ignored.
5. With ``reuseport`` each worker has a socket of its own, among which the kernel
   shares out what comes in (``ngx_clone_listening``).
6. Connections have the options of the socket that they come by. So it is with
   TCP_NODELAY as well, which nginx sets with a connection's second request.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .listeners import Address, Listener, ListenError, open_listener
from .log import ALERT, EMERG, NOTICE, failed_call

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from ..conf.model import Endpoint
    from .process_log import Reporter

__all__ = ["Socket", "bind", "bound_endpoints", "group_inherited", "try_bind"]

#: How often an address that is in use is tried, and the seconds in between.
TRIES = 5
PAUSE = 0.5

_WILDCARDS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}

#: Seconds that a client may take to send after it has connected: ``deferred``.
DEFER_ACCEPT = 1


@dataclass(frozen=True)
class Socket:
    """A listening socket and what was asked of it.

    Attributes:
        listener: the socket.
        endpoint: what it is for; None: inherited, and not known.
        copies: those of the other workers: rule 5.
    """

    listener: Listener
    endpoint: Endpoint | None
    copies: tuple[Listener, ...] = ()

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """All of them."""
        return (self.listener, *self.copies)

    def of_worker(self, number: int) -> Listener:
        """Return the one that a worker accepts from."""
        return self.copies[number - 1] if number and self.copies else self.listener

    @property
    def options(self) -> Mapping[str, Any]:
        """What was asked of it."""
        return self.endpoint.options if self.endpoint else {"backlog": None}


def bound_endpoints(endpoints: Sequence[Endpoint]) -> tuple[int, ...]:
    """Return the numbers of the endpoints that have a socket of their own."""
    wild = {
        (one.address.family, one.address.port)
        for one in endpoints
        if _is_wildcard(one.address)
    }
    return tuple(
        number
        for number, one in enumerate(endpoints)
        if (one.address.family, one.address.port) not in wild
        or _is_wildcard(one.address)
        or one.options.get("set")
    )


def _is_wildcard(address: Address) -> bool:
    return _WILDCARDS.get(address.family) == address.host


def bind(
    endpoints: Sequence[Endpoint],
    kept: Iterable[Socket],
    log: Reporter,
    workers: int = 1,
) -> Generator[float, None, dict[int, Socket]]:
    """Open the sockets of *endpoints*.

    A generator, for it may have to wait: it yields the seconds.

    Args:
        endpoints: what to listen on.
        kept: sockets that are open already; those that fit are used.
        log: is told what fails.
        workers: how many there are: rule 5.

    Returns:
        The sockets by the numbers of their endpoints.

    Raises:
        ListenError: an address cannot be listened on. That has been logged, and
            what was opened is closed again.
    """
    former = {one.listener.address: one for one in kept}
    wanted = bound_endpoints(endpoints)
    sockets = {
        number: Socket(former[address].listener, endpoints[number])
        for number in wanted
        if (address := endpoints[number].address) in former
    }
    opened: dict[int, Socket] = {}
    copies: list[Listener] = []
    try:
        yield from _open_all({n: endpoints[n] for n in wanted}, sockets, opened, log)
        sockets |= opened
        for one in sockets.values():
            _configure(one, former.get(one.listener.address), log)
        for number, one in sockets.items():
            old = former.get(one.listener.address)
            sockets[number] = _with_copies(one, old, workers, copies, log)
    except BaseException:
        for each in (*(one.listener for one in opened.values()), *copies):
            each.close()
        raise
    return {number: sockets[number] for number in wanted}


def group_inherited(listeners: Iterable[Listener]) -> tuple[Socket, ...]:
    """Return sockets of inherited listeners; those of one address are one."""
    groups: dict[Address, list[Listener]] = {}
    for listener in listeners:
        groups.setdefault(listener.address, []).append(listener)
    return tuple(Socket(one[0], None, tuple(one[1:])) for one in groups.values())


def _with_copies(
    one: Socket,
    former: Socket | None,
    workers: int,
    opened: list[Listener],
    log: Reporter,
) -> Socket:
    """Return the socket with what the other workers need: rule 5."""
    endpoint = one.endpoint
    if endpoint is None or not endpoint.options.get("reuseport"):
        return one
    copies = list(former.copies if former else ())[: workers - 1]
    while len(copies) < workers - 1:
        try:
            listener = _open(endpoint)
        except ListenError as exc:
            log.write(EMERG, os.fsencode(str(exc)))
            raise
        opened.append(listener)
        copies.append(listener)
        _configure(Socket(listener, endpoint), None, log)
    return replace(one, copies=tuple(copies))


def _open_all(
    endpoints: Mapping[int, Endpoint],
    sockets: Mapping[int, Socket],
    opened: dict[int, Socket],
    log: Reporter,
) -> Iterator[float]:
    """Open what is not in *sockets* into *opened*."""
    for attempt in range(TRIES):
        if attempt:
            log.write(NOTICE, b"try again to bind() after 500ms")
            yield PAUSE
        missing = endpoints.keys() - sockets.keys() - opened.keys()
        for number in sorted(missing):
            _try_to_open(number, endpoints[number], opened, log)
        if len(sockets) + len(opened) == len(endpoints):
            return
    log.write(EMERG, b"still could not bind()")
    raise ListenError("still could not bind()")


def _try_to_open(
    number: int, endpoint: Endpoint, opened: dict[int, Socket], log: Reporter
) -> None:
    try:
        opened[number] = Socket(_open(endpoint), endpoint)
    except ListenError as exc:
        log.write(EMERG, os.fsencode(str(exc)))
        if not _in_use(exc):
            raise


def _open(endpoint: Endpoint) -> Listener:
    options = endpoint.options
    return open_listener(
        endpoint.address,
        options["backlog"],
        ipv6only=options.get("ipv6only", True),
        reuseport=options.get("reuseport", False),
    )


def _in_use(exc: ListenError) -> bool:
    cause = exc.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE


def try_bind(endpoints: Sequence[Endpoint], log: Reporter) -> None:
    """Find out whether *endpoints* could be listened on: ``nginx -t``.

    An address that is in use will do.

    Raises:
        ListenError: one could not. That has been logged.
    """
    for number in bound_endpoints(endpoints):
        try:
            _open(endpoints[number]).close()
        except ListenError as exc:
            if not _in_use(exc):
                log.write(EMERG, os.fsencode(str(exc)))
                raise


# Socket options --------------------------------------------------------------


def _configure(new: Socket, former: Socket | None, log: Reporter) -> None:
    for name, level, option, value in _socket_options(new, former):
        try:
            new.listener.setsockopt(level, option, value)
        except OSError as exc:
            _ignore(f"setsockopt({name}, {value})", new, exc, log)
    backlog = new.options["backlog"]
    if former is not None and former.options["backlog"] != backlog:
        try:
            new.listener.listen(backlog)
        except OSError as exc:
            _ignore(f"listen() backlog {backlog}", new, exc, log)


def _ignore(call: str, where: Socket, exc: OSError, log: Reporter) -> None:
    ignored = f"{call} {where.listener.address} failed, ignored"
    reason = failed_call("", exc).partition(b" failed ")[2]
    log.write(ALERT, os.fsencode(ignored) + b" " + reason)


def _socket_options(
    new: Socket, former: Socket | None
) -> Iterator[tuple[str, int, int, int]]:
    options = new.options
    if former is not None and options.get("reuseport"):
        yield "SO_REUSEPORT", socket.SOL_SOCKET, socket.SO_REUSEPORT, 1
    for name in ("rcvbuf", "sndbuf"):
        if name in options:
            option = f"SO_{name.upper()}"
            number = getattr(socket, option)
            yield option, socket.SOL_SOCKET, number, options[name]
    if "nodelay" in options and not new.listener.address.is_unix:
        nodelay = int(options["nodelay"])
        yield "TCP_NODELAY", socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay
    yield from _keepalive(options.get("so_keepalive"))
    if "fastopen" in options:
        yield (
            "TCP_FASTOPEN",
            socket.IPPROTO_TCP,
            socket.TCP_FASTOPEN,
            options["fastopen"],
        )
    deferred = bool(options.get("deferred"))
    if deferred != bool(former and former.options.get("deferred")):
        value = DEFER_ACCEPT if deferred else 0
        yield "TCP_DEFER_ACCEPT", socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, value


def _keepalive(value: Any) -> Iterator[tuple[str, int, int, int]]:
    if value is None:
        return
    yield "SO_KEEPALIVE", socket.SOL_SOCKET, socket.SO_KEEPALIVE, value is not False
    if isinstance(value, tuple):
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        for name, number in zip(names, value, strict=True):
            if number:
                yield name, socket.IPPROTO_TCP, getattr(socket, name), number
