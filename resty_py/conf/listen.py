"""The addresses and parameters of ``listen`` and other network directives."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

from ..server.listeners import BACKLOG, MAX_UNIX_PATH, Address
from .model import Listen
from .reading import Bound
from .values import parse_number, parse_seconds, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .reading import Block, Call

__all__ = [
    "add_listen",
    "check_peer",
    "parse_addresses",
    "parse_ipv4",
    "parse_network",
    "read_listen",
    "resolve",
]

#: The port of a ``listen`` that names none.
DEFAULT_PORT = 80

MAX_PORT = 65535

#: The parameters of a ``listen`` that has none.
DEFAULT_OPTIONS: Mapping[str, Any] = {"backlog": BACKLOG}


def parse_addresses(text: str, default_port: int, *, listen: bool) -> list[Address]:
    """Return the addresses that *text* stands for: ``ngx_parse_url``.

    Args:
        text: a port, host, ``host:port``, ``[IPv6]:port`` or ``unix:path``.
        default_port: the port where there is none.
        listen: whether ``*``, a port alone, and ranges of ports are allowed.

    Raises:
        ValueError: with nginx's reason, such as ``invalid port``.
    """
    if text[:5].lower() == "unix:":
        return [_unix(text[5:])]
    if text.startswith("["):
        return _ipv6(text, default_port, listen)
    return _inet(text, default_port, listen)


def check_peer(text: str, default_port: int) -> None:
    """Find out whether *text* is what a server may be: ``ngx_parse_url``.

    A name is not looked up: that is done when it is needed.

    Raises:
        ValueError: with nginx's reason.
    """
    host, colon, port = text.partition(":")
    is_numeric = host.replace(".", "").isdigit()
    if text.startswith("[") or host.lower() == "unix" or is_numeric:
        parse_addresses(text, default_port, listen=False)
        return
    if "/" in text or "?" in text:
        raise ValueError("invalid host")
    if colon:
        _ports(port, ranges=False)
    if not host:
        raise ValueError("no host")


def _unix(path: str) -> Address:
    if not path:
        raise ValueError("no path in the unix domain socket")
    if len(os.fsencode(path)) > MAX_UNIX_PATH:
        raise ValueError("too long path in the unix domain socket")
    return Address(socket.AF_UNIX, path)


def _ipv6(text: str, default_port: int, listen: bool) -> list[Address]:
    host, bracket, rest = text[1:].partition("]")
    if not bracket or "/" in rest or (rest and not rest.startswith(":")):
        raise ValueError("invalid host")
    ports = _ports(rest[1:], listen) if rest else [default_port]
    if not host:
        raise ValueError("no host")
    if "%" in host:
        raise ValueError("invalid IPv6 address")
    try:
        host = str(ipaddress.IPv6Address(host))
    except ValueError:
        raise ValueError("invalid IPv6 address") from None
    return [Address(socket.AF_INET6, host, port) for port in ports]


def _inet(text: str, default_port: int, listen: bool) -> list[Address]:
    if "/" in text or "?" in text:
        raise ValueError("invalid host")
    host, colon, port = text.partition(":")
    if not colon and listen:
        ports = _ports_alone(text)
        if ports:
            return [Address(socket.AF_INET, "0.0.0.0", port) for port in ports]
    ports = _ports(port, listen) if colon else [default_port]
    if not host:
        raise ValueError("no host")
    if listen and host == "*":
        return [Address(socket.AF_INET, "0.0.0.0", port) for port in ports]
    literal = parse_ipv4(host)
    if literal is not None:
        return [Address(socket.AF_INET, literal, port) for port in ports]
    return [_with_port(found, port) for port in ports for found in resolve(host)]


def _ports_alone(text: str) -> list[int]:
    """Return the ports, or nothing if *text* is a host."""
    low, dash, high = text.partition("-")
    if not _is_digits(low) or (dash and not _is_digits(high)):
        return []
    return _ports(text, ranges=True)


def _ports(text: str, ranges: bool) -> list[int]:
    low, dash, high = text.partition("-")
    if dash and not ranges:
        raise ValueError("invalid port")
    last = _port(high) if dash else 0
    first = _port(low)
    if dash and first > last:
        raise ValueError("invalid port range")
    return list(range(first, (last or first) + 1))


def _port(text: str) -> int:
    if not _is_digits(text) or not 1 <= int(text) <= MAX_PORT:
        raise ValueError("invalid port")
    return int(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def parse_ipv4(text: str) -> str | None:
    """Return an IPv4 address, or None: ``ngx_inet_addr``; nothing means 0."""
    octets = text.split(".")
    if len(octets) != 4 or not all(_is_digits(octet or "0") for octet in octets):
        return None
    numbers = [int(octet or 0) for octet in octets]
    return ".".join(map(str, numbers)) if max(numbers) < 256 else None


def resolve(host: str) -> list[Address]:
    """Return the addresses of a host, without ports: ``ngx_inet_resolve_host``.

    Raises:
        ValueError: there are none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        raise ValueError("host not found") from None
    # IPv4 comes first.
    entries = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return [Address(entry[0], str(entry[4][0])) for entry in entries]


def _with_port(address: Address, port: int) -> Address:
    return Address(address.family, address.host, port)


def parse_network(text: str) -> tuple[str, bool]:
    """Return the network that *text* names: ``ngx_ptocidr``.

    Args:
        text: an address, or an address and a number of bits.

    Returns:
        The network, and whether the address had no bits behind these.

    Raises:
        ValueError: it is none.
    """
    address, slash, bits = text.partition("/")
    length = parse_number(bits) if slash else None
    if "%" in address:
        raise ValueError(text)
    host = ipaddress.ip_address(parse_ipv4(address) or address)
    if length is not None and length > host.max_prefixlen:
        raise ValueError(text)
    network = ipaddress.ip_network((host, length or 0) if slash else host, False)
    return str(network), network.network_address == host


def read_listen(call: Call) -> list[Listen]:
    """Return what a ``listen`` says: ``ngx_http_core_listen``."""
    try:
        addresses = parse_addresses(call.args[0], DEFAULT_PORT, listen=True)
    except ValueError as exc:
        raise call.error(
            f'{exc} in "{call.args[0]}" of the "listen" directive'
        ) from None
    options = dict(DEFAULT_OPTIONS)
    for arg in call.args[1:]:
        options.update(_option(call, arg))
    if "http2" in options:
        call.block.slots.setdefault("listen", [])  # it does listen, only not yet
        raise call.not_yet(f'"listen {call.args[0]} http2"')
    listens = [Listen(address, options) for address in addresses]
    for listen in listens:
        add_listen(call, call.block, listen)
    return listens


def add_listen(call: Call, server: Block, listen: Listen) -> None:
    """Note that a server listens on an address: ``ngx_http_add_listen``.

    Raises:
        ConfError: it does so already, or its parameters clash.
    """
    bound = call.reading.endpoints.get(listen.address)
    if bound is None:
        first = Bound(listen.address, dict(listen.options), server, [server])
        call.reading.endpoints[listen.address] = first
        return
    if server in bound.servers:
        raise call.error(f"a duplicate listen {listen.address}")
    bound.servers.append(server)
    shared = {
        name: True
        for name in ("ssl", "proxy_protocol")
        if bound.options.get(name) or listen.options.get(name)
    }
    if "set" in listen.options:
        if "set" in bound.options:
            raise call.error(f"duplicate listen options for {listen.address}")
        default = bound.options.get("default_server", False)
        bound.options = {**listen.options, "default_server": default}
    bound.options |= shared
    if listen.is_default:
        if bound.options.get("default_server"):
            raise call.error(f"a duplicate default server for {listen.address}")
        bound.options["default_server"] = True
        bound.default = server


def _option(call: Call, arg: str) -> dict[str, Any]:
    if arg in _FLAGS:
        return dict.fromkeys(_FLAGS[arg], True)
    for prefix, read in _OPTIONS.items():
        if arg.startswith(prefix):
            return {**read(call, arg, arg[len(prefix) :]), "set": True}
    raise call.error(f'invalid parameter "{arg}"')


_FLAGS = {
    "default_server": ("default_server",),
    "default": ("default_server",),
    "bind": ("bind", "set"),
    "deferred": ("deferred", "set"),
    "reuseport": ("reuseport", "set"),
    "ssl": ("ssl",),
    "http2": ("http2",),
    "proxy_protocol": ("proxy_protocol",),
}


def _sized(parse: Callable[[str], int], name: str) -> Callable[..., dict[str, Any]]:
    def read(call: Call, arg: str, text: str) -> dict[str, Any]:
        try:
            value = parse(text)
        except ValueError:
            value = None
        if value is None or (name == "backlog" and value == 0):
            raise call.error(f'invalid {name} "{arg}"')
        return {name: value}

    return read


def _ipv6only(call: Call, arg: str, text: str) -> dict[str, Any]:
    if text not in ("n", "ff"):
        raise call.error(f'invalid ipv6only flags "{arg[9:]}"')
    return {"ipv6only": text == "n"}


def _so_keepalive(call: Call, _arg: str, text: str) -> dict[str, Any]:
    """Read ``on``, ``off`` or ``idle:interval:count``, each of which may miss."""
    if text in ("on", "off"):
        return {"so_keepalive": text == "on"}
    idle, _, rest = text.partition(":")
    interval, _, count = rest.partition(":")
    try:
        values = (
            parse_seconds(idle) if idle else 0,
            parse_seconds(interval) if interval else 0,
            parse_number(count) if count else 0,
        )
    except ValueError:
        values = (0, 0, 0)
    if not any(values):
        raise call.error(f'invalid so_keepalive value: "{text}"')
    return {"so_keepalive": values}


_OPTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "setfib=": lambda call, arg, _text: _unknown(call, arg),
    "fastopen=": _sized(parse_number, "fastopen"),
    "backlog=": _sized(parse_number, "backlog"),
    "rcvbuf=": _sized(parse_size, "rcvbuf"),
    "sndbuf=": _sized(parse_size, "sndbuf"),
    "accept_filter=": lambda call, arg, _text: _accept_filter(call, arg),
    "ipv6only=o": _ipv6only,
    "so_keepalive=": _so_keepalive,
}


def _unknown(call: Call, arg: str) -> dict[str, Any]:
    raise call.error(f'invalid parameter "{arg}"')


def _accept_filter(call: Call, arg: str) -> dict[str, Any]:
    call.warn(
        f'accept filters "{arg}" are not supported on this platform, ignored', "emerg"
    )
    return {}
