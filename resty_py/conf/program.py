"""A configuration as the VM takes it: a program of plain values.

Rules:

1. Lua sees bytes, numbers, booleans, arrays and tables. A dataclass is a table
   of its fields; what is None is left out. A template is an array: texts are
   strings, variables ``{name = "x"}``, captures numbers.
2. Settings go by the names of their directives. What Lua needs in another
   form than the directive has is in :data:`_FORMS`.
3. Logs are numbers into the program's own lists, since Python writes them.
4. A location's settings hold the name of its server, and those of the http
   block everything that is in force where no server is.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .builder import default_settings
from .lexer import to_bytes
from .model import Location
from .regex import Regex
from .served import Program
from .settings import (
    AccessLog,
    AccessRule,
    ErrorLog,
    Geo,
    Resolver,
    Root,
    ThreadPool,
)
from .template import Capture, Template, Variable
from .variables import key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import Config, Http, Server
    from .settings import LimitZone

__all__ = ["Program", "app_program", "app_settings", "compile_program"]

#: The thread pool of apps that no configuration made: ngx_thread_pool_default.
DEFAULT_THREAD_POOL = ThreadPool("default", 32)

#: Settings that only Python reads.
_NOT_FOR_LUA = frozenset({"lua_package_path", "lua_package_cpath"})


def compile_program(config: Config) -> Program:
    """Return the program of a checked configuration."""
    compiler = _Compiler()
    table = compiler.main(config)
    settings = config.http.settings if config.http else {}
    return Program(
        table,
        tuple(compiler.error_logs),
        tuple(compiler.access_logs),
        _with_prefix(settings.get("lua_package_path"), config.prefix),
        _with_prefix(settings.get("lua_package_cpath"), config.prefix),
        tuple(compiler.resolvers),
        _zones(config),
        config.settings["thread_pool"],
    )


def _with_prefix(path: str | None, prefix: str) -> str | None:
    """Return *path* with ``$prefix`` filled in: ``ngx_http_lua_package_path``."""
    if path is None:
        return None
    return re.sub(r"\$(?:prefix|\{prefix\})", lambda _: prefix, path)


def _zones(config: Config) -> tuple[tuple[bytes, int], ...]:
    """Return names and sizes of dictionaries, and of zones that are none."""
    if config.http is None:
        return ()
    dicts = ((to_bytes(one.name), one.size) for one in config.http.shared_dicts)
    others = ((to_bytes(one.memory), one.capacity) for one in config.http.limit_zones)
    return (*dicts, *others)


def app_settings(given: Mapping[str, Any], root: Path) -> dict[bytes, Any]:
    """Return the settings of a location that no configuration made.

    Args:
        given: by name of the directive, over the defaults.
        root: the document root.
    """
    settings = default_settings(os.path.join(root, ""))
    settings["root"] = Root(Template((str(root),)))
    settings |= {"error_log": (), "access_log": ()}
    return _Compiler().settings(settings | dict(given))


def app_program(settings: Mapping[bytes, Any], access_log: AccessLog | None) -> Program:
    """Return the program of a worker whose apps are served one by one.

    Args:
        settings: from :func:`app_settings`.
        access_log: the one access log, number 0, or None.
    """
    table = {b"settings": dict(settings), b"servers": [], b"endpoints": []}
    logs = (access_log,) if access_log else ()
    return Program(table, access_logs=logs, thread_pools=(DEFAULT_THREAD_POOL,))


def _tokens(value: str) -> bool:
    return value != "off"


def _network(source: str) -> dict[str, Any]:
    """Return a network that can be compared with an address, or what *source* says."""
    if source in ("all", "unix:"):
        return {"source": source}
    network = ip_network(source)
    return {"network": network.network_address.packed, "bits": network.prefixlen}


def _access_rule(rule: AccessRule) -> dict[str, Any]:
    return {"allow": rule.allow, **_network(rule.source)}


def _geo(geo: Geo) -> dict[str, Any]:
    """Return a geo whose values can be found by an address."""
    table: dict[str, Any] = {
        "variable": geo.variable,
        "proxies": list(map(_network, geo.proxies)),
        "recursive": geo.recursive,
    }
    if geo.source is not None:
        table["source"] = geo.source
    if geo.ranges is None:
        return {**table, "lengths": _by_length(geo.networks)}
    firsts, lasts, values = zip(*geo.ranges, strict=True) if geo.ranges else ((),) * 3
    return {
        **table,
        "firsts": firsts,
        "lasts": lasts,
        "values": values,
        "default": geo.default,
    }


def _by_length(networks: Sequence[tuple[str, str]]) -> dict[int, list[Any]]:
    """Return the values of networks by size of address, length and prefix."""
    lengths: dict[tuple[int, int], dict[bytes, str]] = {}
    for text, value in networks:
        network = ip_network(text)
        packed, bits = network.network_address.packed, network.prefixlen
        prefix = packed[: bits // 8]
        if bits % 8:
            prefix += bytes((packed[bits // 8] >> 8 - bits % 8,))
        lengths.setdefault((len(packed), bits), {})[prefix] = value
    return {
        size: [
            {"bits": bits, "values": values}
            for (found, bits), values in sorted(lengths.items(), reverse=True)
            if found == size
        ]
        for size in (4, 16)
    }


#: Settings by name, and what Lua sees under which names.
_FORMS: dict[str, Any] = {
    "access_rules": lambda rules: {
        "access_rules": list(map(_access_rule, rules or ()))
    },
    "keepalive_timeout": lambda value: (
        {"keepalive_timeout": value[0], "keepalive_header": value[1]}
        if isinstance(value, tuple)
        else {"keepalive_timeout": value}
    ),
    "large_client_header_buffers": lambda value: {
        "large_client_header_buffers_count": value.count,
        "large_client_header_buffers_size": value.size,
    },
    "set_real_ip_from": lambda sources: {
        "set_real_ip_from": list(map(_network, sources or ()))
    },
    "server_tokens": lambda value: {
        "server_tokens": value if isinstance(value, bool) else _tokens(value)
    },
}


@dataclass
class _Compiler:
    """Turns the model into tables and collects its logs."""

    error_logs: list[tuple[ErrorLog, ...]] = field(default_factory=list)
    access_logs: list[AccessLog] = field(default_factory=list)
    resolvers: list[Resolver] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)

    # The parts of a program ---------------------------------------------------

    def main(self, config: Config) -> dict[bytes, Any]:
        http = config.http
        if http is None:
            return {
                b"settings": self.settings(
                    {**default_settings(config.prefix), "access_log": ()}
                ),
                b"servers": [],
                b"endpoints": [],
            }
        table = self.http(http)
        table[b"indexed"] = {name.encode(): True for name in self.used}
        return table

    def http(self, http: Http) -> dict[bytes, Any]:
        table = {
            # Only what a server has in force is opened.
            b"settings": self.settings({**http.settings, "access_log": ()}),
            b"hooks": self.plain(http.hooks),
            b"servers": [self.server(server) for server in http.servers],
            b"endpoints": [self.plain(endpoint) for endpoint in http.endpoints],
            b"maps": [self.plain(one) for one in http.maps],
            b"geos": [self.plain(_geo(one)) for one in http.geos],
            b"split_clients": [self.plain(one) for one in http.split_clients],
            b"upstreams": [self.plain(one) for one in http.upstreams],
            b"limit_zones": [self.limit_zone(one) for one in http.limit_zones],
            b"declared": _declared(http),
        }
        table[b"log_formats"] = self.log_formats(http)
        return table

    def log_formats(self, http: Http) -> dict[bytes, Any]:
        """Return the formats by name; ``combined`` only where a log has it.

        Variables that a format names are kept as they were first read.
        """
        return {
            to_bytes(name): self.plain(one)
            for name, one in http.log_formats.items()
            if name != "combined" or name in self.logged
        }

    def limit_zone(self, zone: LimitZone) -> dict[bytes, Any]:
        return {**self._fields(zone), b"memory": to_bytes(zone.memory)}

    def server(self, server: Server) -> dict[bytes, Any]:
        name = _shown_name(server)
        return {
            b"names": self.plain(server.names),
            b"base": self.location(server.base, name),
            b"hooks": self.plain(server.hooks),
        }

    def location(self, location: Location, server_name: str) -> dict[bytes, Any]:
        table: dict[bytes, Any] = {
            b"modifier": to_bytes(location.modifier),
            b"pattern": to_bytes(location.pattern),
            b"settings": self.settings(location.settings),
            b"hooks": self.plain(location.hooks),
            b"script": [self.step(one, server_name) for one in location.script],
            b"locations": [
                self.location(inner, server_name) for inner in location.locations
            ],
        }
        table[b"settings"][b"server_name"] = to_bytes(server_name)
        if location.regex is not None:
            table[b"regex"] = self.plain(location.regex)
        if location.content is not None:
            table[b"content"] = to_bytes(location.content)
        if location.limit_except is not None:
            table[b"limit_except"] = {
                b"methods": self.plain(location.limit_except.methods),
                b"location": self.location(location.limit_except.location, server_name),
            }
        return table

    def step(self, step: Any, server_name: str) -> dict[bytes, Any]:
        """Return a step of a script, with its kind."""
        kind = type(step).__name__.encode()
        fields: dict[bytes, Any] = {b"kind": kind}
        for one in dataclasses.fields(step):
            value = getattr(step, one.name)
            if isinstance(value, Location):
                fields[one.name.encode()] = self.location(value, server_name)
            elif one.name == "variable":
                fields[b"variable"] = to_bytes(key(value))
            elif value is not None:
                fields[one.name.encode()] = self.plain(value)
        return fields

    # Settings -----------------------------------------------------------------

    def settings(self, settings: Mapping[str, Any]) -> dict[bytes, Any]:
        table: dict[bytes, Any] = {}
        for name, value in settings.items():
            for place, form in self._forms(name, value):
                if form is not None:
                    table[place.encode()] = self.plain(form)
        return table

    def _forms(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        if name == "error_log":
            yield "error_log_id", self._error_log(value)
        elif name == "access_log":
            yield "access_logs", [self._access_log(log) for log in value]
        elif name == "resolver":
            yield name, value and _place(self.resolvers, value)
        elif name in _FORMS:
            yield from _FORMS[name](value).items()
        elif name not in _NOT_FOR_LUA:
            yield name, value

    def _error_log(self, logs: Sequence[ErrorLog] | None) -> int | None:
        """Return the id of a list of logs; None for the main ones."""
        return _place(self.error_logs, tuple(logs)) if logs else None

    def _access_log(self, log: AccessLog) -> dict[str, Any]:
        self.logged.add(log.format)
        table: dict[str, Any] = {"format": log.format, "condition": log.condition}
        if log.path.constant is None:
            table["path"] = log.path
        else:
            bare = dataclasses.replace(log, format="", condition=None)
            table["id"] = _place(self.access_logs, bare)
        return table

    # Values -------------------------------------------------------------------

    def plain(self, value: Any) -> Any:
        """Return *value* as rule 1 has it."""
        if value is None or isinstance(value, (bool, int, float, bytes)):
            return value
        if isinstance(value, str):
            return to_bytes(value)
        if isinstance(value, Path):
            return os.fsencode(value)
        if isinstance(value, Template):
            return [self._part(part) for part in value.parts]
        if isinstance(value, Mapping):
            return {self.plain(k): self.plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.plain(item) for item in value]
        return self._fields(value)

    def _part(self, part: str | Variable | Capture) -> Any:
        if isinstance(part, Variable):
            name = key(part.name)
            self.used.add(name)
            return {b"name": to_bytes(name)}
        return part.number if isinstance(part, Capture) else to_bytes(part)

    def _fields(self, value: Any) -> dict[bytes, Any]:
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {
            name.encode(): self.plain(item) for name, item in pairs if item is not None
        }


def _shown_name(server: Server) -> str:
    """Return ``$server_name``: ``ngx_http_core_merge_srv_conf``."""
    first = server.names[0]
    return f"~{first.name}" if first.regex else first.name.removeprefix(".")


def _place(items: list[Any], item: Any) -> int:
    """Return the place of *item* in *items*, where it is put if it is not there."""
    if item not in items:
        items.append(item)
    return items.index(item)


def _declared(http: Http) -> dict[bytes, bool]:
    """Return the variables that can be set, and whether a regular expression does."""
    given = {one.variable for one in http.maps}
    given.update(one.variable for one in http.geos)
    given.update(one.variable for one in http.split_clients)
    captured: set[str] = set()
    for server in http.servers:
        for name in server.names:
            captured.update(name.regex.names if name.regex else ())
        _collect(server.base, given, captured)
    for one in http.maps:
        for rule in one.rules:
            captured.update(rule.source.names if isinstance(rule.source, Regex) else ())
    return {
        to_bytes(key(name.lower())): name in captured
        for name in sorted(given | captured)
    }


def _collect(location: Location, given: set[str], captured: set[str]) -> None:
    """Add the variables of a location and all that is nested in it."""
    captured.update(location.regex.names if location.regex else ())
    given.update(one.variable for one in location.settings["auth_request_set"])
    for step in location.script:
        if hasattr(step, "variable"):
            given.add(step.variable)
        condition = getattr(step, "condition", None)
        for holder in (step, condition):
            regex = getattr(holder, "regex", None)
            captured.update(regex.names if regex else ())
        if condition is not None:
            _collect(step.location, given, captured)
    nested = [*location.locations]
    if location.limit_except is not None:
        nested.append(location.limit_except.location)
    for inner in nested:
        _collect(inner, given, captured)
