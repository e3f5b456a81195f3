"""The values of directives that are more than a number, a text or a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .regex import Regex
    from .template import Template

__all__ = [
    "AccessLog",
    "AccessRule",
    "AddedHeader",
    "EchoCommand",
    "ErrorLog",
    "ErrorPage",
    "Expires",
    "HeaderChange",
    "LogFormat",
    "Map",
    "MapRule",
    "Resolver",
    "Root",
    "SharedDict",
    "ThreadPool",
    "TryFiles",
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
class LogFormat:
    """``log_format``: the escaping is ``default``, ``json`` or ``none``."""

    name: str
    escape: str
    text: Template


@dataclass(frozen=True)
class AccessLog:
    """``access_log path [format] …``; for ``off`` the tuple of logs is empty.

    Attributes:
        path: an absolute path; may have variables.
        format: the name of its log format.
        condition: the line is not written where this is empty or ``0``.
        buffer: bytes that are collected before they are written.
        flush: how long they may wait, in seconds; 0 for ever.
    """

    path: Template
    format: str
    condition: Template | None = None
    buffer: int = 0
    flush: float = 0


@dataclass(frozen=True)
class ErrorLog:
    """``error_log path [level]``; the path is None for stderr."""

    path: str | None
    level: str


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
class AddedHeader:
    """``add_header name value [always]``."""

    name: str
    value: Template
    always: bool = False


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
class Resolver:
    """``resolver``: its name servers; *valid* overrides the TTL in seconds."""

    servers: tuple[tuple[str, int], ...]
    valid: int = 0
    ipv6: bool = True


@dataclass(frozen=True)
class SharedDict:
    """``lua_shared_dict name size``."""

    name: str
    size: int


@dataclass(frozen=True)
class ThreadPool:
    """``thread_pool name threads=n [max_queue=n]``."""

    name: str
    threads: int
    max_queue: int = 65536
