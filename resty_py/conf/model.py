"""A checked configuration.

Everything is frozen, every value is typed, and inheritance is done: a location
has all settings that are in force there. Texts are ``str`` as the lexer makes
them (``lexer.to_bytes`` gives the bytes); sources of Lua code are bytes; sizes
are bytes, times seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..server.listeners import Address
    from .errors import Notice
    from .regex import Regex
    from .settings import (
        Geo,
        LimitZone,
        LogFormat,
        Map,
        SharedDict,
        SplitClients,
        Upstream,
    )
    from .template import Template

__all__ = [
    "Break",
    "Condition",
    "Config",
    "Directive",
    "Endpoint",
    "Handler",
    "Http",
    "If",
    "LimitExcept",
    "Listen",
    "Location",
    "Return",
    "Rewrite",
    "Server",
    "ServerName",
    "Set",
    "SetByFunction",
    "SetByLua",
]


@dataclass(frozen=True)
class Directive:
    """A directive as it is written.

    Attributes:
        name: of the directive.
        args: its arguments.
        block: the directives in its block, or None if it has none.
        file: the configuration file, or nothing for the ``-g`` option.
        line: the line of its ``;`` or ``{``.
        source: the Lua code of its block, byte by byte.
    """

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] | None
    file: str
    line: int
    source: bytes | None = None


@dataclass(frozen=True)
class Handler:
    """Lua code for a phase.

    Attributes:
        phase: ``content``, ``access``, ``init_worker`` and so on.
        kind: ``block``, ``string`` or ``file``.
        source: the code; None for a file.
        path: the file, or None; relative ones are relative to the prefix.
        chunk: the chunk name, ``=content_by_lua(nginx.conf:40)``.
        file: the configuration file.
        line: its line there, which is line 1 of the code.
    """

    phase: str
    kind: str
    source: bytes | None
    path: Template | None
    chunk: str
    file: str
    line: int


@dataclass(frozen=True)
class Set:
    """``set $variable value``."""

    variable: str
    value: Template


@dataclass(frozen=True)
class SetByLua:
    """``set_by_lua`` in any form; the arguments are ``ngx.arg``."""

    variable: str
    handler: Handler
    args: tuple[Template, ...] = ()


@dataclass(frozen=True)
class SetByFunction:
    """A directive of the set-misc module, ``set_unescape_uri $variable text``.

    Attributes:
        function: the directive.
        variable: what is set.
        args: its arguments; without any, the variable's own value is taken.
    """

    function: str
    variable: str
    args: tuple[Template, ...] = ()


@dataclass(frozen=True)
class Rewrite:
    """``rewrite regex replacement [flag]``.

    Attributes:
        regex: what the URI must match.
        replacement: the new URI, without a ``?`` at its end.
        flag: ``last``, ``break``, or nothing.
        status: 301 or 302 for a redirect, 0 for a change of the URI.
        keep_args: whether the request's arguments are appended.
    """

    regex: Regex
    replacement: Template
    flag: str = ""
    status: int = 0
    keep_args: bool = True

    @property
    def is_last(self) -> bool:
        """Whether the script ends when the URI matched."""
        return bool(self.flag or self.status)


@dataclass(frozen=True)
class Return:
    """``return code [text]`` or ``return url``; text may be a URL."""

    status: int
    text: Template | None = None


@dataclass(frozen=True)
class Break:
    """``break``."""


@dataclass(frozen=True)
class Condition:
    """What ``if`` tests.

    Attributes:
        operator: empty for a bare variable; ``=``, ``!=``, ``~``, ``~*``,
            ``!~``, ``!~*``; or ``-f``, ``-d``, ``-e``, ``-x``, with ``!``.
        subject: the variable, or the path for a file test.
        value: the right side of ``=`` and ``!=``.
        regex: the right side of the others.
    """

    operator: str
    subject: Template
    value: Template | None = None
    regex: Regex | None = None


@dataclass(frozen=True)
class If:
    """``if (condition) { … }``: its block is a location without a name."""

    condition: Condition
    location: Location


@dataclass(frozen=True)
class LimitExcept:
    """``limit_except methods { … }``: the block is for all other methods."""

    methods: frozenset[str]
    location: Location


@dataclass(frozen=True)
class Location:
    """A location, the blocks of ``if`` and ``limit_except``, or a server's base.

    Attributes:
        modifier: ``=``, ``^~``, ``~``, ``~*`` or nothing; ``@`` for a named
            one; ``if``, ``limit_except`` or ``server`` for the other blocks.
        pattern: the prefix, name (with its ``@``) or regular expression.
        regex: the regular expression, or None.
        settings: the values in force, by directive (or slot).
        hooks: the Lua handlers in force, by phase.
        content: what makes the response: ``lua``, ``echo``, or None for the
            static modules. Not inherited; an ``if`` without one keeps what
            was chosen before.
        script: the directives of the rewrite modules in order.
        locations: nested locations in the order of the file.
        limit_except: the block for other methods, or None.
        file: the configuration file.
        line: the line of its ``{``.
    """

    modifier: str
    pattern: str
    regex: Regex | None
    settings: Mapping[str, Any]
    hooks: Mapping[str, Handler]
    content: str | None
    script: tuple[Any, ...]
    locations: tuple[Location, ...]
    limit_except: LimitExcept | None
    file: str
    line: int


@dataclass(frozen=True)
class ServerName:
    """A name of a server: ``ngx_http_server_name_t``.

    Attributes:
        name: in lower case, with its ``*`` or leading dot, or the pattern.
        regex: the regular expression, or None.
    """

    name: str
    regex: Regex | None = None


@dataclass(frozen=True)
class Listen:
    """Where a server listens.

    Attributes:
        address: the address.
        options: the parameters by name: flags are True, others typed.
    """

    address: Address
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_default(self) -> bool:
        """Whether the server is the default one of the address."""
        return bool(self.options.get("default_server"))


@dataclass(frozen=True)
class Server:
    """A server block.

    Attributes:
        names: at least one; the first is ``$server_name``.
        listens: where it listens.
        base: the settings, hooks, script and locations of the server itself.
        hooks: the Lua handlers of the server: ``server_rewrite``.
    """

    names: tuple[ServerName, ...]
    listens: tuple[Listen, ...]
    base: Location
    hooks: Mapping[str, Handler]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The values in force at server level."""
        return self.base.settings


@dataclass(frozen=True)
class Endpoint:
    """An address to listen on, and its servers as numbers into ``Http.servers``.

    Attributes:
        address: the address.
        options: the parameters of ``listen``; *backlog* is always there, as is
            *nodelay*: ``tcp_nodelay`` of the default server.
        default: the server for hosts that no name fits.
        servers: all of them, in the order of the file.
    """

    address: Address
    options: Mapping[str, Any]
    default: int
    servers: tuple[int, ...]


@dataclass(frozen=True)
class Http:
    """The http block.

    Attributes:
        settings: the values at http level.
        hooks: the Lua handlers ``init``, ``init_worker`` and ``exit_worker``.
        servers: in the order of the file.
        endpoints: what the servers listen on.
        maps, geos, split_clients: in the order of the file.
        log_formats: by name, ``combined`` among them.
        shared_dicts: in the order of the file.
        upstreams: in the order of the file.
        limit_zones: in the order of the file.
    """

    settings: Mapping[str, Any]
    hooks: Mapping[str, Handler]
    servers: tuple[Server, ...]
    endpoints: tuple[Endpoint, ...]
    maps: tuple[Map, ...]
    log_formats: Mapping[str, LogFormat]
    shared_dicts: tuple[SharedDict, ...]
    upstreams: tuple[Upstream, ...] = ()
    geos: tuple[Geo, ...] = ()
    split_clients: tuple[SplitClients, ...] = ()
    limit_zones: tuple[LimitZone, ...] = ()


@dataclass(frozen=True)
class Config:
    """A configuration that may be served.

    Attributes:
        path: the configuration file.
        prefix: what its paths are relative to.
        conf_prefix: what its includes are relative to.
        settings: the values of the main block.
        http: the http block, or None if there is none.
        tree: the directives as they are written.
        notices: what was said about them but did not keep them from loading.
        files: every file that was read and its bytes, in that order.
    """

    path: str
    prefix: str
    conf_prefix: str
    settings: Mapping[str, Any]
    http: Http | None
    tree: tuple[Directive, ...]
    notices: tuple[Notice, ...]
    files: Mapping[str, bytes]
