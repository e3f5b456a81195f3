"""Blocks of values become the model: inheritance, and what nginx checks last.

Rules, those of ``ngx_http_block`` after it has read its last line:

1. A setting that a block does not say is that of the block around it; what may
   be said several times is taken as a whole. ``Command.inherit`` has the
   exceptions.
2. Scripts, nested locations and what makes the content are never inherited.
3. Checked when the http block is complete: locations that stand twice,
   variables that do not exist, names of servers that clash.
"""

from __future__ import annotations

import os
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..server.listeners import Address
from . import tls
from .errors import ConfError, Notice, located
from .hostnames import Hostnames, is_hostname
from .listen import DEFAULT_OPTIONS, DEFAULT_PORT, add_listen
from .model import (
    Condition,
    Endpoint,
    Http,
    If,
    LimitExcept,
    Listen,
    Location,
    Server,
    ServerName,
)
from .modules import MODULES
from .modules.log import COMBINED
from .modules.lua import HOOKS
from .modules.proxy import buffer_fault
from .modules.referer import check_referers
from .modules.secure_link import check_secure_links, settle_secure_links
from .modules.upstream import build_upstream
from .reading import Block
from .settings import AccessLog, Root
from .table import HTTP, SERVER, Context, Inherit, Status
from .template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .model import Handler
    from .reading import Reading
    from .table import Command
    from .values import Buffers

__all__ = ["build_http", "close_block", "default_settings", "main_settings"]

#: ``access_log`` and ``client_body_temp_path`` where nothing is said.
ACCESS_LOG = "logs/access.log"
BODY_TEMP_PATH = "client_body_temp"

#: The port of a server without ``listen`` where port 80 is not ours to take.
DEFAULT_USER_PORT = 8000

_HTTP_HOOKS = (
    "init", "init_worker", "exit_worker", "ssl_session_fetch", "ssl_session_store"
)  # fmt: skip
_SERVER_HOOKS = ("server_rewrite", "ssl_client_hello", "ssl_certificate")
_LOCATION_HOOKS = tuple(
    phase for phase in HOOKS if phase not in (*_HTTP_HOOKS, *_SERVER_HOOKS)
)

# What is a part of the model of its own, not a setting.
_STRUCTURE = frozenset(
    {"http", "events", "server", "location", "limit_except", "listen", "server_name",
     "script", "map", "geo", "split_clients", "log_format", "lua_shared_dict",
     "limit_zones", "upstream", "include"}
    | {f"{phase}_by_lua" for phase in HOOKS}
)  # fmt: skip


def _settings_of(contexts: Context) -> dict[str, Command]:
    rows = (command for module in MODULES for command in module.commands)
    return {
        command.key: command
        for command in rows
        if command.contexts & contexts
        and command.key not in _STRUCTURE
        and command.status is not Status.LATER
    }


_HTTP_SETTINGS = _settings_of(~(Context.MAIN | Context.EVENTS | Context.UPSTREAM))
_MAIN_SETTINGS = _settings_of(Context.MAIN | Context.EVENTS)


def main_settings(block: Block, reading: Reading) -> Mapping[str, Any]:
    """Return the settings of the main block and of its events block.

    Raises:
        ConfError: there is no events block.
    """
    if "events" not in block.slots:
        raise ConfError('no "events" section in configuration')
    settings = {key: row.initial_value for key, row in _MAIN_SETTINGS.items()}
    settings["pid"] = reading.full_name("logs/nginx.pid")
    events: Block = block.slots["events"][0]
    settings |= _own(block, _MAIN_SETTINGS) | _own(events, _MAIN_SETTINGS)
    return MappingProxyType(settings)


def close_block(block: Block) -> None:
    """Look at a block whose ``}`` was read."""
    if block.context is SERVER and "listen" not in block.slots:
        assert block.opener is not None
        port = DEFAULT_PORT if os.getuid() == 0 else DEFAULT_USER_PORT
        address = Address(socket.AF_INET, "0.0.0.0", port)
        listen = Listen(address, DEFAULT_OPTIONS)
        add_listen(block.opener, block, listen)
        block.add("listen", listen)
    if block.context is HTTP and block.opener is not None:
        block.head = build_http(block, block.opener.reading)


def build_http(block: Block, reading: Reading) -> Http:
    """Return the model of a complete http block.

    Raises:
        ConfError: a check of rule 3 fails.
    """
    settings = default_settings(reading.prefix)
    settings = _merged(block, settings)
    hooks = _hooks(block, {}, tuple(HOOKS))
    servers = tuple(
        _server(server, settings, hooks) for server in block.slots.get("server", ())
    )
    for server in servers:
        _check_buffers(block, server)
    for server in servers:
        _check_proxying(block, server.base)
    for inner, server in zip(block.slots.get("server", ()), servers, strict=True):
        check_referers(block, inner, server.names)
        check_secure_links(block, inner)
        _check_locations(inner)
    reading.variables.check()
    endpoints = tuple(_endpoints(block, servers, reading))
    tls.check_servers(servers)
    for endpoint in endpoints:
        tls.check_endpoint(endpoint, servers)
    reading.check_zones()
    formats = (COMBINED, *block.slots.get("log_format", ()))
    return Http(
        settings=MappingProxyType(settings),
        hooks=MappingProxyType({p: hooks[p] for p in _HTTP_HOOKS if p in hooks}),
        servers=servers,
        endpoints=endpoints,
        maps=_finished(block, "map"),
        log_formats=MappingProxyType({one.name: one for one in formats}),
        shared_dicts=tuple(block.slots.get("lua_shared_dict", ())),
        upstreams=tuple(map(build_upstream, block.slots.get("upstream", ()))),
        geos=_finished(block, "geo"),
        split_clients=_finished(block, "split_clients"),
        limit_zones=tuple(block.slots.get("limit_zones", ())),
    )


def _finished(block: Block, slot: str) -> tuple[Any, ...]:
    return tuple(draft.finish() for draft in block.slots.get(slot, ()))


def default_settings(prefix: str) -> dict[str, Any]:
    """Return the settings of an http block that says nothing.

    Args:
        prefix: what paths are relative to; ends with a slash.
    """
    settings = {key: row.initial_value for key, row in _HTTP_SETTINGS.items()}
    log = AccessLog(Template((prefix + ACCESS_LOG,)), COMBINED.name)
    settings["access_log"] = (log,)
    settings["root"] = Root(Template((prefix + "html",)))
    settings["client_body_temp_path"] = prefix + BODY_TEMP_PATH
    return settings


def _own(block: Block, rows: Mapping[str, Command]) -> dict[str, Any]:
    """Return the settings that *block* says itself."""
    return {
        key: tuple(values) if rows[key].many else values[-1]
        for key, values in block.slots.items()
        if key in rows
    }


def _merged(block: Block, outer: Mapping[str, Any]) -> dict[str, Any]:
    settings = {**outer, **_not_inherited()}
    for key, value in _own(block, _HTTP_SETTINGS).items():
        appended = _HTTP_SETTINGS[key].inherit is Inherit.APPENDED
        settings[key] = (*outer[key], *value) if appended else value
    settle_secure_links(block, settings)
    if not tls.CLIENT_DIRECTIVES.isdisjoint(block.slots):
        tls.check_client(settings)
    return settings


def _not_inherited() -> dict[str, Any]:
    return {
        key: row.initial_value
        for key, row in _HTTP_SETTINGS.items()
        if row.inherit is Inherit.NEVER
    }


def _hooks(
    block: Block, outer: Mapping[str, Handler], phases: Iterable[str]
) -> dict[str, Handler]:
    hooks = dict(outer)
    for phase in phases:
        handler: Handler | None = block.last(f"{phase}_by_lua")
        # Empty code is as good as none.
        if handler is not None and (handler.source or handler.path):
            hooks[phase] = handler
    return hooks


def _server(
    block: Block, settings: Mapping[str, Any], hooks: Mapping[str, Handler]
) -> Server:
    own = _hooks(block, hooks, tuple(HOOKS))
    names = tuple(block.slots.get("server_name", ())) or (ServerName(""),)
    return Server(
        names=names,
        listens=tuple(block.slots["listen"]),
        base=_location(block, "server", "", settings, hooks),
        hooks=MappingProxyType({p: own[p] for p in _SERVER_HOOKS if p in own}),
    )


def _location(
    block: Block,
    modifier: str,
    pattern: str,
    outer: Mapping[str, Any],
    outer_hooks: Mapping[str, Handler],
) -> Location:
    settings = _merged(block, outer)
    hooks = _hooks(block, outer_hooks, _LOCATION_HOOKS)
    opener = block.opener
    assert opener is not None
    return Location(
        modifier=modifier,
        pattern=pattern,
        regex=getattr(block.head, "regex", None),
        settings=MappingProxyType(settings),
        hooks=MappingProxyType({p: hooks[p] for p in _LOCATION_HOOKS if p in hooks}),
        content=block.last("content_handler"),
        script=tuple(_script(block, settings, hooks)),
        locations=tuple(
            _location(inner, inner.head.modifier, inner.head.pattern, settings, hooks)
            for inner in block.slots.get("location", ())
        ),
        limit_except=_limit_except(block, settings, hooks),
        file=opener.file,
        line=opener.line,
    )


def _script(
    block: Block, settings: Mapping[str, Any], hooks: Mapping[str, Handler]
) -> Iterator[Any]:
    for step in block.slots.get("script", ()):
        if isinstance(step, Block):
            condition: Condition = step.head
            yield If(condition, _location(step, "if", "", settings, hooks))
        else:
            yield step


def _limit_except(
    block: Block, settings: Mapping[str, Any], hooks: Mapping[str, Handler]
) -> LimitExcept | None:
    inner: Block | None = block.last("limit_except")
    if inner is None:
        return None
    location = _location(inner, "limit_except", "", settings, hooks)
    return LimitExcept(inner.head, location)


def _check_buffers(block: Block, server: Server) -> None:
    buffers: Buffers = server.settings["large_client_header_buffers"]
    if buffers.size < server.settings["connection_pool_size"]:
        assert block.opener is not None
        text = (
            'the "large_client_header_buffers" size must be '
            'equal to or greater than "connection_pool_size"'
        )
        raise ConfError(located(text, block.opener.file, block.end_line))


def _check_proxying(block: Block, location: Location) -> None:
    text = buffer_fault(location.settings)
    if text is not None:
        assert block.opener is not None
        raise ConfError(located(text, block.opener.file, block.end_line))
    tls.check_proxy(location)
    for inner in _inside(location):
        _check_proxying(block, inner)


def _inside(location: Location) -> Iterator[Location]:
    yield from location.locations
    yield from (step.location for step in location.script if isinstance(step, If))
    if location.limit_except is not None:
        yield location.limit_except.location


def _check_locations(block: Block) -> None:
    """Raise if two locations of a block are the same."""
    inner_blocks: list[Block] = block.slots.get("location", [])
    prefixes = [one for one in inner_blocks if one.head.modifier in ("", "=", "^~")]
    prefixes.sort(key=lambda one: _order(one.head.pattern))
    for inner in inner_blocks:
        _check_locations(inner)
    seen: set[tuple[str, bool]] = set()
    for inner in prefixes:
        key = (inner.head.pattern, inner.head.modifier == "=")
        if key in seen:
            raise ConfError(_duplicate(inner))
        seen.add(key)


def _duplicate(location: Block) -> str:
    assert location.opener is not None
    text = f'duplicate location "{location.head.pattern}"'
    return located(text, location.opener.file, location.opener.line)


def _order(name: str) -> str:
    """Return the key by which nginx sorts locations: a slash comes first."""
    return name.replace("/", "\0")


def _endpoints(
    block: Block, servers: tuple[Server, ...], reading: Reading
) -> Iterator[Endpoint]:
    numbers = {id(one): n for n, one in enumerate(block.slots.get("server", ()))}
    for bound in reading.endpoints.values():
        members = tuple(numbers[id(server)] for server in bound.servers)
        default = numbers[id(bound.default)]
        nodelay = servers[default].settings["tcp_nodelay"]
        endpoint = Endpoint(
            bound.address,
            MappingProxyType({**bound.options, "nodelay": nodelay}),
            default,
            members,
        )
        _check_names(endpoint, servers, reading)
        yield endpoint


def _check_names(
    endpoint: Endpoint, servers: tuple[Server, ...], reading: Reading
) -> None:
    """Look for names of servers that clash: ``ngx_http_server_names``."""
    regexes = [one.regex for one in servers[endpoint.default].names if one.regex]
    captures = bool(regexes) and regexes[-1].has_captures
    if len(endpoint.servers) < 2 and not captures:
        return
    known = Hostnames()
    for number in endpoint.servers:
        for name in servers[number].names:
            if name.regex is None:
                _check_name(name.name, endpoint, known, reading)


def _check_name(
    name: str, endpoint: Endpoint, known: Hostnames, reading: Reading
) -> None:
    if not is_hostname(name):
        raise ConfError(
            f'invalid server name or wildcard "{name}" on {endpoint.address}'
        )
    if not known.add(name):
        reading.notices.append(
            Notice(f'conflicting server name "{name}" on {endpoint.address}, ignored')
        )
