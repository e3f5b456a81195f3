"""Upstream blocks and the modules that work in them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ..errors import ConfError, located
from ..kinds import MSEC, NUMBER
from ..listen import check_peer
from ..settings import BalancingMethod, Upstream, UpstreamServer
from ..table import Command, Kind, Module
from ..values import parse_number, parse_seconds
from .shorthand import (
    HTTP,
    UPSTREAM,
    later,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..reading import Block, Call
    from ..template import Template

__all__ = ["MODULES", "build_upstream"]

DEFAULT_PORT = 80

_FLAGS = ("backup", "down")

#: How ``random two`` chooses between its two.
_RANDOM_METHODS = ("least_conn",)

#: Methods that have no use for backups.
_WITHOUT_BACKUP = ("ip_hash", "hash", "consistent_hash", "random", "random_two")


def _weight(text: str) -> int:
    value = parse_number(text)
    if value == 0:
        raise ValueError(text)
    return value


_PARAMETERS: dict[str, Callable[[str], int]] = {
    "weight": _weight,
    "max_conns": parse_number,
    "max_fails": parse_number,
    "fail_timeout": parse_seconds,
}


def _read_upstream(call: Call) -> str:
    """Read the name: ``ngx_http_upstream``."""
    name = call.args[0].lower()
    for block in call.block.slots.get("upstream", ()):
        if block.head == name:
            raise call.error(f'duplicate upstream "{call.args[0]}"')
    return name


def _read_server(call: Call) -> UpstreamServer:
    """Read a server of an upstream: ``ngx_http_upstream_server``."""
    address, *parameters = call.args
    options: dict[str, Any] = {}
    for parameter in parameters:
        options |= _parameter(call, parameter)
    try:
        check_peer(address, DEFAULT_PORT)
    except ValueError as exc:
        raise call.error(f'{exc} in upstream "{address}"') from None
    return UpstreamServer(address, **options)


def _parameter(call: Call, text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals and name in _FLAGS:
        _check_backup(call, name)
        return {name: True}
    if name not in _PARAMETERS:
        raise call.error(f'invalid parameter "{text}"')
    try:
        return {name: _PARAMETERS[name](value)}
    except ValueError:
        raise call.error(f'invalid parameter "{text}"') from None


def _check_backup(call: Call, flag: str) -> None:
    method = call.block.last("method")
    if flag == "backup" and method and method.name in _WITHOUT_BACKUP:
        raise call.error(f'balancing method does not support parameter "{flag}"')


def _method(call: Call, name: str, key: Template | None = None) -> BalancingMethod:
    if {"method", "balancer_by_lua", "keepalive"} & call.block.slots.keys():
        call.warn("load balancing method redefined")
    return BalancingMethod(name, key)


def _read_hash(call: Call) -> BalancingMethod:
    """Read ``hash key [consistent]``: ``ngx_http_upstream_hash``."""
    key, *more = call.args
    if more and more[0] != "consistent":
        raise call.error(f'invalid parameter "{more[0]}"')
    return _method(call, "consistent_hash" if more else "hash", call.template(key))


def _read_random(call: Call) -> BalancingMethod:
    """Read ``random [two [least_conn]]``: ``ngx_http_upstream_random``."""
    for arg, expected in zip(call.args, (("two",), _RANDOM_METHODS), strict=False):
        if arg not in expected:
            raise call.error(f'invalid parameter "{arg}"')
    return _method(call, "random_two" if call.args else "random")


def _read_keepalive(call: Call) -> int:
    """Read how many idle connections are kept: ``ngx_http_upstream_keepalive``."""
    with contextlib.suppress(ValueError):
        count = parse_number(call.args[0])
        if count > 0:
            return count
    raise call.error(f'invalid value "{call.args[0]}" in "keepalive" directive')


def build_upstream(block: Block) -> Upstream:
    """Return the upstream of a complete block.

    Raises:
        ConfError: it has no servers.
    """
    assert block.opener is not None
    servers = tuple(block.slots.get("server", ()))
    if not servers:
        text = "no servers are inside upstream"
        raise ConfError(located(text, block.opener.file, block.end_line))
    if all(server.backup for server in servers):
        raise ConfError(
            f'no servers in upstream "{block.opener.args[0]}" in '
            f"{block.opener.file}:{block.opener.line}"
        )
    given = {
        name: values[-1]
        for name, values in block.slots.items()
        if name.startswith("keepalive")
    }
    return Upstream(
        block.head,
        servers,
        balancer=block.last("balancer_by_lua"),
        method=block.last("method"),
        **given,
    )


#: A method without arguments.
_PLAIN = Kind("none", lambda call: _method(call, call.name))


def _balances(name: str, arity: str, kind: Kind) -> Command:
    return Command(name, UPSTREAM, arity, kind, many=True, slot="method")


MODULES = (
    Module("ngx_http_upstream_module", (
        Command(
            "upstream", HTTP, "1", Kind("name", _read_upstream), many=True,
            inside=UPSTREAM,
        ),
        Command(
            "server", UPSTREAM, "1+",
            Kind(
                "address [weight=n] [max_fails=n] [fail_timeout=time] "
                "[max_conns=n] [backup] [down]",
                _read_server,
            ),
            many=True,
        ),
    )),
    Module("ngx_http_upstream_keepalive_module", (
        Command(
            "keepalive", UPSTREAM, "1",
            Kind("number equal to or greater than 1", _read_keepalive),
        ),
        Command("keepalive_time", UPSTREAM, "1", MSEC, "1h"),
        Command("keepalive_timeout", UPSTREAM, "1", MSEC, "60s"),
        Command("keepalive_requests", UPSTREAM, "1", NUMBER, "1000"),
    )),
    Module("ngx_http_upstream_zone_module", (
        *later(UPSTREAM, "1-2", "zone"),
    )),
    Module("ngx_http_upstream_hash_module", (
        _balances("hash", "1-2", Kind("key [consistent]", _read_hash)),
    )),
    Module("ngx_http_upstream_ip_hash_module", (
        _balances("ip_hash", "0", _PLAIN),
    )),
    Module("ngx_http_upstream_least_conn_module", (
        _balances("least_conn", "0", _PLAIN),
    )),
    Module("ngx_http_upstream_random_module", (
        _balances("random", "0-2", Kind("[two [least_conn]]", _read_random)),
    )),
)  # fmt: skip
