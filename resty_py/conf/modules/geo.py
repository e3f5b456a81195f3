"""The geo module: variables whose value depends on an address."""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from ..listen import parse_ipv4, parse_network
from ..settings import Geo
from ..table import Command, Kind, Module
from ..template import Template, Variable
from .shorthand import HTTP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import ConfError
    from ..reading import Call

__all__ = ["MODULES", "GeoDraft"]

Network = IPv4Network | IPv6Network

#: The networks of all addresses.
_ALL: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

#: Addresses of one part of the table of ranges.
_PART = 0x10000

#: What ``ngx_inet_addr`` takes for no address.
_NO_ADDRESS = "255.255.255.255"


class Networks:
    """Networks and their values: a radix tree for each family."""

    def __init__(self) -> None:
        self._values: dict[Network, str] = {}

    def add(self, line: Call, name: str, network: Network, value: str) -> None:
        """Let a network have a value: ``ngx_http_geo_cidr_add``."""
        if network in self._values:
            line.warn(
                f'duplicate network "{name}", value: "{value}", '
                f'old value: "{self._find(network)}"'
            )
        self._values[network] = value

    def _find(self, network: Network) -> str:
        """Return the value of the first address of *network*."""
        address = network.network_address
        around = (
            ip_network((address.packed, length), strict=False)
            for length in range(network.max_prefixlen, -1, -1)
        )
        return next(self._values[one] for one in around if one in self._values)

    def delete(self, line: Call, name: str, network: Network) -> None:
        """Forget a network."""
        if self._values.pop(network, None) is None:
            line.warn(f'no network "{name}" to delete')

    def finish(self) -> tuple[tuple[str, str], ...]:
        """Return the networks; where nothing else is said the value is empty."""
        values = {**dict.fromkeys(_ALL, ""), **self._values}
        return tuple((str(network), value) for network, value in values.items())


class Ranges:
    """Ranges of addresses and their values, in parts of 65536 addresses.

    As in nginx a range may be within another, but within each part it may not
    overlap one.
    """

    def __init__(self) -> None:
        self._parts: dict[int, list[tuple[int, int, str]]] = {}

    def add(self, line: Call, first: int, last: int, value: str) -> None:
        """Let a range have a value: ``ngx_http_geo_add_range``."""
        for low, high in _in_parts(first, last):
            part = self._parts.setdefault(low // _PART, [])
            at = bisect_right(part, high, key=lambda one: one[0])
            if at == 0 or part[at - 1][1] < low:
                part.insert(at, (low, high, value))
            else:
                part[at - 1 : at] = _within(line, part[at - 1], (low, high, value))

    def delete(self, line: Call, first: int, last: int) -> None:
        """Forget a range: ``ngx_http_geo_delete_range``."""
        warned = False
        for low, high in _in_parts(first, last):
            part = self._parts.get(low // _PART, [])
            found = [one for one in part if one[:2] == (low, high)]
            warned = warned or not found
            if found:
                part.remove(found[0])
        if warned:
            line.warn(f'no address range "{_range_of(line)}" to delete')

    def finish(self) -> tuple[tuple[int, int, str], ...]:
        """Return first and last addresses and values, in their order."""
        merged: list[tuple[int, int, str]] = []
        for _, part in sorted(self._parts.items()):
            for first, last, value in part:
                low = first
                if merged and merged[-1][1:] == (first - 1, value):
                    low = merged.pop()[0]
                merged.append((low, last, value))
        return tuple(merged)


def _in_parts(first: int, last: int) -> Iterator[tuple[int, int]]:
    while first <= last:
        end = min(first | (_PART - 1), last)
        yield first, end
        first = end + 1


def _within(
    line: Call, old: tuple[int, int, str], new: tuple[int, int, str]
) -> list[tuple[int, int, str]]:
    """Return what becomes of *old* with *new* in it."""
    start, end, value = old
    low, high, _ = new
    if (low, high) == (start, end):
        line.warn(
            f'duplicate range "{_range_of(line)}", value: "{new[2]}", '
            f'old value: "{value}"'
        )
    elif low < start or high > end:
        raise line.error(
            f'range "{_range_of(line)}" overlaps '
            f'"{IPv4Address(start)}-{IPv4Address(end)}"'
        )
    around = [(start, low - 1, value), new, (high + 1, end, value)]
    return [one for one in around if one[0] <= one[1]]


class GeoDraft:
    """A geo block whose lines are being read."""

    def __init__(self, source: Template | None, variable: str) -> None:
        self.source = source
        self.variable = variable
        self.proxies: list[str] = []
        self.recursive = False
        self.networks: Networks | None = None
        self.ranges: Ranges | None = None
        self.default: str | None = None

    def finish(self) -> Geo:
        """Return the geo; what nothing is said about has the empty text."""
        networks = self.networks or Networks()
        return Geo(
            self.source,
            self.variable,
            tuple(self.proxies),
            self.recursive,
            () if self.ranges else networks.finish(),
            self.ranges.finish() if self.ranges else None,
            self.default or "",
        )


def _read_geo(call: Call) -> None:
    """Read ``geo [$address] $variable``: ``ngx_http_geo_block``."""
    *sources, name = (_variable(call, arg) for arg in call.args)
    source = Template((Variable(call.use(sources[0])),)) if sources else None
    call.block.add("geo", GeoDraft(source, call.define(name)))


def _variable(call: Call, arg: str) -> str:
    if not arg.startswith("$"):
        raise call.error(f'invalid variable name "{arg}"')
    return arg[1:]


# Lines ------------------------------------------------------------------------


def _read_line(opener: Call, line: Call) -> None:
    """Read a line of a geo block: ``ngx_http_geo``."""
    draft: GeoDraft = opener.block.last("geo")
    if not line.args and line.name == "ranges":
        _use_ranges(line, draft)
    elif not line.args and line.name == "proxy_recursive":
        draft.recursive = True
    elif len(line.args) != 1:
        raise line.error("invalid number of the geo parameters")
    elif line.name == "proxy":
        draft.proxies.append(str(_network(line, line.args[0])))
    elif draft.ranges is not None:
        _read_range(line, draft, draft.ranges)
    else:
        draft.networks = draft.networks or Networks()
        _read_network(line, draft.networks)


def _use_ranges(line: Call, draft: GeoDraft) -> None:
    if draft.networks is not None:
        raise line.error(
            'the "ranges" directive must be the first directive inside "geo" block'
        )
    draft.ranges = draft.ranges or Ranges()


def _read_network(line: Call, networks: Networks) -> None:
    value = line.args[0]
    if line.name == "default":
        for network in _ALL:
            networks.add(line, "default", network, value)
    elif line.name == "delete":
        networks.delete(line, value, _network(line, value))
    else:
        networks.add(line, line.name, _network(line, line.name), value)


def _network(line: Call, text: str) -> Network:
    try:
        network, exact = parse_network(text)
    except ValueError:
        raise line.error(f'invalid network "{text}"') from None
    if not exact:
        line.warn(f"low address bits of {text} are meaningless")
    return ip_network(network)


def _read_range(line: Call, draft: GeoDraft, ranges: Ranges) -> None:
    value = line.args[0]
    if line.name == "default":
        if draft.default is not None:
            line.warn(
                f'duplicate default geo range value: "{value}", '
                f'old value: "{draft.default}"'
            )
        draft.default = value
    elif line.name == "delete":
        ranges.delete(line, *_bounds(line))
    else:
        ranges.add(line, *_bounds(line), value)


def _range_of(line: Call) -> str:
    return line.args[0] if line.name == "delete" else line.name


def _bounds(line: Call) -> tuple[int, int]:
    text = _range_of(line)
    first, _, last = map(parse_ipv4, text.partition("-"))
    if first is None or last is None or _NO_ADDRESS in (first, last):
        raise _invalid(line, text)
    bounds = int(IPv4Address(first)), int(IPv4Address(last))
    if bounds[0] > bounds[1]:
        raise _invalid(line, text)
    return bounds


def _invalid(line: Call, text: str) -> ConfError:
    return line.error(f'invalid range "{text}"')


MODULES = (
    Module("ngx_http_geo_module", (
        Command(
            "geo", HTTP, "1-2", Kind("[$address] $variable", _read_geo), many=True,
            entry=_read_line,
        ),
    )),
)  # fmt: skip
