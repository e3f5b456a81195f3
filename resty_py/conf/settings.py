"""The values of directives that are more than a number, a text or a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .served import ErrorLog, ThreadPool

if TYPE_CHECKING:
    from ..server.listeners import Address
    from .model import Handler
    from .regex import Regex
    from .template import Template

__all__ = [
    "AccessLog",
    "AccessRule",
    "AddedHeader",
    "CookieFlags",
    "EchoCommand",
    "ErrorLog",
    "ErrorPage",
    "Expires",
    "Geo",
    "HeaderChange",
    "LimitConn",
    "LimitReq",
    "LimitZone",
    "LogFormat",
    "Map",
    "MapRule",
    "ProxyPass",
    "ProxyRewrite",
    "Referer",
    "Resolver",
    "Root",
    "SharedDict",
    "SplitClients",
    "Substitution",
    "Syslog",
    "ThreadPool",
    "TryFiles",
    "Upstream",
    "UpstreamServer",
    "UserFile",
]


@dataclass(frozen=True)
class MapRule:
    """A line of a map: a text (in lower case) or a regular expression."""

    source: str | Regex
    value: Template


@dataclass(frozen=True)
class Map:
    """``map source $variable { … }``.

    Attributes:
        source: what is looked up.
        variable: what is defined.
        rules: the lines; texts go before regular expressions.
        default: the value where no line fits.
        hostnames: whether texts may be masks such as ``*.example.com``.
        volatile: whether the value is not cached for the request.
    """

    source: Template
    variable: str
    rules: tuple[MapRule, ...]
    default: Template
    hostnames: bool = False
    volatile: bool = False


@dataclass(frozen=True)
class Geo:
    """``geo [$address] $variable { … }``.

    Attributes:
        source: what has the address, or None for the client.
        variable: what is defined.
        proxies: the networks whose ``X-Forwarded-For`` is believed.
        recursive: whether the last address there that is no proxy counts.
        networks: each with its value; those of all addresses are among them.
        ranges: first and last addresses and values, or None where networks count.
        default: the value beside all ranges.
    """

    source: Template | None
    variable: str
    proxies: tuple[str, ...]
    recursive: bool
    networks: tuple[tuple[str, str], ...]
    ranges: tuple[tuple[int, int, str], ...] | None
    default: str = ""


@dataclass(frozen=True)
class SplitClients:
    """``split_clients text $variable { … }``.

    Attributes:
        source: the text whose hash counts.
        variable: what is defined.
        parts: values, each with the hash from which on it is not taken any more.
    """

    source: Template
    variable: str
    parts: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class LogFormat:
    """``log_format``: the escaping is ``default``, ``json`` or ``none``."""

    name: str
    escape: str
    text: Template


@dataclass(frozen=True)
class Syslog:
    """``syslog:server=…``: where a log goes that is no file.

    Attributes:
        server: its address.
        facility, severity: their numbers; local7 and info.
        tag: what lines begin with.
        has_hostname: whether the name of this machine is before it.
    """

    server: Address
    facility: int = 23
    severity: int = 6
    tag: str = "nginx"
    has_hostname: bool = True


@dataclass(frozen=True)
class AccessLog:
    """``access_log path [format] …``; for ``off`` the tuple of logs is empty.

    Attributes:
        path: an absolute path; may have variables.
        format: the name of its log format.
        condition: the line is not written where this is empty or ``0``.
        buffer: bytes that are collected before they are written.
        flush: how long they may wait, in seconds; 0 for ever.
        gzip: the level that they are compressed with; 0 for not at all.
        syslog: the server, where it is no file; the path is then its name.
    """

    path: Template
    format: str
    condition: Template | None = None
    buffer: int = 0
    flush: float = 0
    gzip: int = 0
    syslog: Syslog | None = None


@dataclass(frozen=True)
class ErrorPage:
    """One code of ``error_page``.

    Attributes:
        status: the code that is handled.
        overwrite: the code to answer with; 0 for that of the page, None to
            keep *status*.
        target: a URI, a named location or a URL.
        args: the arguments of a URI without variables.
    """

    status: int
    overwrite: int | None
    target: Template
    args: str = ""


@dataclass(frozen=True)
class TryFiles:
    """``try_files file … last``.

    Attributes:
        files: what is tried, each with whether it must be a directory.
        fallback: a URI or named location, or None.
        status: the code where there is no fallback.
    """

    files: tuple[tuple[Template, bool], ...]
    fallback: Template | None
    status: int = 0


@dataclass(frozen=True)
class Root:
    """``root`` or ``alias``.

    Attributes:
        path: absolute but for a leading variable.
        alias: whether it takes the place of a part of the URI.
        prefix: that part, the prefix of the location that the alias stands in;
            None where that is a regular expression.
    """

    path: Template
    alias: bool = False
    prefix: str | None = None


@dataclass(frozen=True)
class AccessRule:
    """``allow`` or ``deny``: a network (``10.0.0.0/8``), ``unix:`` or ``all``."""

    allow: bool
    source: str


@dataclass(frozen=True)
class UserFile:
    """``auth_basic_user_file``: its path, and what that is relative to."""

    path: Template
    prefix: str


@dataclass(frozen=True)
class AddedHeader:
    """``add_header name value [always]``."""

    name: str
    value: Template
    always: bool = False


@dataclass(frozen=True)
class Substitution:
    """``sub_filter text replacement``; the case of *match* does not matter."""

    match: Template
    value: Template


@dataclass(frozen=True)
class Expires:
    """``expires``.

    Attributes:
        mode: ``off``, ``epoch``, ``max``, ``access``, ``modified``, ``daily`` or
            ``variable``.
        seconds: from the access or the modification, or of the day.
        value: what becomes one of the others for each request, or None; with the
            mode ``modified`` a time.
    """

    mode: str
    seconds: int = 0
    value: Template | None = None


@dataclass(frozen=True)
class HeaderChange:
    """A directive of the headers-more module.

    Attributes:
        command: the directive, such as ``more_set_headers``.
        headers: names with their values; an empty value clears. A name may end
            with ``*``.
        statuses: the status codes it is for, or none for all.
        types: the content types it is for, or none for all.
        replace: ``-r``: only headers that are there already.
    """

    command: str
    headers: tuple[tuple[str, Template], ...]
    statuses: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    replace: bool = False


@dataclass(frozen=True)
class EchoCommand:
    """A directive of the echo module, such as ``echo_sleep``."""

    command: str
    args: tuple[Template, ...]


@dataclass(frozen=True)
class ProxyPass:
    """``proxy_pass url``.

    Attributes:
        url: as it is written.
        prefix: what of a request's URI that of *url* takes the place of.
    """

    url: Template
    prefix: str = ""


@dataclass(frozen=True)
class ProxyRewrite:
    """``proxy_redirect``, ``proxy_cookie_domain`` and ``proxy_cookie_path``.

    Attributes:
        kind: ``default``, ``pair`` or ``regex``.
        pattern: of a pair, what a value must begin with, or be.
        regex: what it must match.
        replacement: what takes its place.
    """

    kind: str
    pattern: Template | None = None
    regex: Regex | None = None
    replacement: Template | None = None


@dataclass(frozen=True)
class CookieFlags:
    """``proxy_cookie_flags``: *flags* for cookies of a *name*, or that match."""

    name: Template | None
    regex: Regex | None
    flags: tuple[Template, ...]


@dataclass(frozen=True)
class UpstreamServer:
    """``server address …`` of an upstream block; *fail_timeout* in seconds."""

    address: str
    weight: int = 1
    max_conns: int = 0
    max_fails: int = 1
    fail_timeout: int = 10
    backup: bool = False
    down: bool = False


@dataclass(frozen=True)
class BalancingMethod:
    """``least_conn``, ``hash key`` and their kin; *name* as choice.lua has it."""

    name: str
    key: Template | None = None


@dataclass(frozen=True)
class Upstream:
    """``upstream name { … }``.

    Attributes:
        name: in lower case, as host names compare.
        servers: at least one.
        keepalive: idle connections that are kept, 0 for none.
        keepalive_time: how long one may be used, in seconds.
        keepalive_timeout: how long one may be idle, in seconds.
        keepalive_requests: how many requests one may carry.
        balancer: the Lua handler that chooses a server, or None.
        method: the load balancing method where it is not round robin.
    """

    name: str
    servers: tuple[UpstreamServer, ...]
    keepalive: int = 0
    keepalive_time: float = 3600
    keepalive_timeout: float = 60
    keepalive_requests: int = 1000
    balancer: Handler | None = None
    method: BalancingMethod | None = None


@dataclass(frozen=True)
class Referer:
    """An argument of ``valid_referers``.

    Attributes:
        kind: ``none``, ``blocked``, ``server_names``, ``name`` or ``regex``.
        name: in lower case; may be a mask.
        path: what the path must begin with, or nothing.
        regex: what host and path must match.
    """

    kind: str
    name: str = ""
    path: str = ""
    regex: Regex | None = None


@dataclass(frozen=True)
class Resolver:
    """``resolver``: its name servers; *valid* overrides the TTL in seconds."""

    servers: tuple[tuple[str, int], ...]
    valid: int = 0
    ipv6: bool = True


@dataclass(frozen=True)
class LimitZone:
    """``limit_req_zone`` and its like.

    Attributes:
        use: ``limit_req`` or ``limit_conn``: what may count in it.
        name: of the zone.
        size: bytes.
        key: what is counted.
        key_text: as it is written.
        rate: thousandths of a request that may come in a second.
    """

    use: str
    name: str
    size: int
    key: Template
    key_text: str
    rate: int = 0

    @property
    def memory(self) -> str:
        """The name of its memory, which no other use or key has: see host/shm.py."""
        return f"\0{self.use} {self.name} {self.key_text}"

    @property
    def capacity(self) -> int:
        """The size of its memory, which holds as many keys as nginx's.

        A counter of connections takes 64 bytes there, and two slots' worth here.
        """
        return self.size * (2 if self.use == "limit_conn" else 1)


@dataclass(frozen=True)
class LimitReq:
    """``limit_req``: *burst* and *delay* in thousandths of a request."""

    zone: str
    burst: int = 0
    delay: int = 0


@dataclass(frozen=True)
class LimitConn:
    """``limit_conn``: so many connections at once."""

    zone: str
    most: int


@dataclass(frozen=True)
class SharedDict:
    """``lua_shared_dict name size``."""

    name: str
    size: int
