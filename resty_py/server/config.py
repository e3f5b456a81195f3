"""What a server is told: its configuration and its limits.

The fields of :class:`Limits` are the table of settings: name, type, kind and
default, each with the name of an nginx or OpenResty directive and written as
there. A kind turns such text into a value and says what it should have been.
"""

from __future__ import annotations

import dataclasses
import difflib
import mmap
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..conf.values import (
    Buffers,
    parse_buffers,
    parse_flag,
    parse_number,
    parse_offset,
    parse_size,
    parse_time,
)
from ..host.tls.protocols import PROTOCOLS
from ..shared_dict import zone_size
from .listeners import Address, parse_listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "AppConfig",
    "Buffers",
    "Limits",
    "MkLimits",
    "Setting",
    "SettingError",
    "parse_flag",
    "parse_number",
    "parse_offset",
    "parse_size",
    "parse_time",
    "read_zone_size",
]

T = TypeVar("T")

# nginx takes its page size as the default of some buffers.
_PAGE = mmap.PAGESIZE


class SettingError(ValueError):
    """A setting has no such name or no such value; the text is one line."""


def _parse_text(text: str) -> str:
    return text


def _parse_path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


def _parse_protocols(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    if not names or not PROTOCOLS.keys() >= set(names):
        raise ValueError(text)
    return names


def _parse_file(text: str) -> Path | None:
    if not text:
        return None
    if not os.access(text, os.R_OK):
        raise ValueError(text)
    return Path(text).absolute()


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How a setting's text is read, and what it should have been."""

    parse: Callable[[str], T]
    wanted: str


_NUMBER = _Kind(parse_number, "a number")
_SIZE = _Kind(parse_size, "a size such as 512, 8k or 1m")
_OFFSET = _Kind(parse_offset, "a size such as 512, 8k, 1m or 2g")
_TIME_SPAN = _Kind(parse_time, "a time such as 30, 1m30s or 500ms")
_FLAG = _Kind(parse_flag, '"on" or "off"')
_BUFFERS = _Kind(parse_buffers, "a number and a size such as 4 8k")
_TEXT = _Kind(_parse_text, "a text")
_PATH = _Kind(_parse_path, "a path")
_PROTOCOLS = _Kind(_parse_protocols, "versions such as TLSv1.2 TLSv1.3")
_FILE = _Kind(_parse_file, "a file that can be read, or nothing")


def _setting(kind: _Kind[T], default: str) -> T:
    """Return the dataclass field of one setting."""
    metadata = {"kind": kind, "default": default}
    made: T = dataclasses.field(default=kind.parse(default), metadata=metadata)
    return made


@dataclass(frozen=True)
class Limits:
    """The limits of a server, by the names of nginx's directives.

    Sizes are in bytes and times in seconds.
    """

    client_header_buffer_size: int = _setting(_SIZE, "1k")
    large_client_header_buffers: Buffers = _setting(_BUFFERS, "4 8k")  # noqa: RUF009
    client_header_timeout: float = _setting(_TIME_SPAN, "60s")
    client_body_buffer_size: int = _setting(_SIZE, f"{2 * _PAGE // 1024}k")
    client_body_timeout: float = _setting(_TIME_SPAN, "60s")
    client_body_temp_path: Path = _setting(_PATH, tempfile.gettempdir())  # noqa: RUF009
    client_max_body_size: int = _setting(_OFFSET, "1m")
    keepalive_timeout: float = _setting(_TIME_SPAN, "75s")
    keepalive_requests: int = _setting(_NUMBER, "1000")
    send_timeout: float = _setting(_TIME_SPAN, "60s")
    lingering_time: float = _setting(_TIME_SPAN, "30s")
    lingering_timeout: float = _setting(_TIME_SPAN, "5s")
    postpone_output: int = _setting(_SIZE, "1460")
    resolver_timeout: float = _setting(_TIME_SPAN, "30s")
    default_type: str = _setting(_TEXT, "text/plain")
    underscores_in_headers: bool = _setting(_FLAG, "off")
    merge_slashes: bool = _setting(_FLAG, "on")
    server_tokens: bool = _setting(_FLAG, "on")
    lua_socket_connect_timeout: float = _setting(_TIME_SPAN, "60s")
    lua_socket_send_timeout: float = _setting(_TIME_SPAN, "60s")
    lua_socket_read_timeout: float = _setting(_TIME_SPAN, "60s")
    lua_socket_buffer_size: int = _setting(_SIZE, f"{_PAGE // 1024}k")
    lua_socket_pool_size: int = _setting(_NUMBER, "30")
    lua_socket_keepalive_timeout: float = _setting(_TIME_SPAN, "60s")
    lua_socket_log_errors: bool = _setting(_FLAG, "on")
    lua_ssl_protocols: tuple[str, ...] = _setting(_PROTOCOLS, "TLSv1.2 TLSv1.3")
    lua_ssl_trusted_certificate: Path | None = _setting(_FILE, "")  # noqa: RUF009
    lua_ssl_verify_depth: int = _setting(_NUMBER, "1")
    lua_ssl_crl: Path | None = _setting(_FILE, "")  # noqa: RUF009
    lua_ssl_ciphers: str = _setting(_TEXT, "DEFAULT")
    lua_regex_cache_max_entries: int = _setting(_NUMBER, "1024")
    lua_regex_match_limit: int = _setting(_NUMBER, "0")
    lua_max_pending_timers: int = _setting(_NUMBER, "1024")
    lua_max_running_timers: int = _setting(_NUMBER, "256")
    lua_check_client_abort: bool = _setting(_FLAG, "off")
    lua_need_request_body: bool = _setting(_FLAG, "off")
    lua_http10_buffering: bool = _setting(_FLAG, "on")
    lua_use_default_type: bool = _setting(_FLAG, "on")
    lua_transform_underscores_in_response_headers: bool = _setting(_FLAG, "on")

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Self:
        """Return the limits after *settings*, each ``NAME=VALUE``; the last wins.

        Raises:
            SettingError: there is no such name, or the value does not fit.
        """
        table = {setting.name: setting for setting in cls.settings()}
        values = {}
        for text in settings:
            name, equals, value = text.partition("=")
            if not equals:
                raise SettingError(f'"{text}" is not NAME=VALUE')
            if name not in table:
                raise SettingError(_unknown(name, table))
            values[name] = table[name].parse(value)
        return cls(**values)

    @classmethod
    def settings(cls) -> Iterator[Setting]:
        """Yield every setting."""
        for entry in dataclasses.fields(cls):
            kind, default = entry.metadata["kind"], entry.metadata["default"]
            yield Setting(entry.name, default, kind.wanted, kind.parse)

    def as_settings(self) -> dict[str, Any]:
        """Return the limits by name, as a configuration's settings have them."""
        return {
            entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)
        }


@dataclass(frozen=True)
class MkLimits(Limits):
    """Those of ``--api mk``, where Monkey's Lua plugin has ``Match`` and ``Debug``.

    Attributes:
        mk_match: extended regular expressions, with spaces between: which paths
            below the root are scripts.
        mk_debug: whether clients are told what went wrong.
        mk_script: the one script that answers every request.
    """

    mk_match: str = _setting(_TEXT, r"\.lua$")
    mk_debug: bool = _setting(_FLAG, "off")
    mk_script: Path | None = _setting(_FILE, "")  # noqa: RUF009


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings.

    Attributes:
        name: the directive.
        default: as it would be written.
        wanted: what a value looks like.
    """

    name: str
    default: str
    wanted: str
    _parse: Callable[[str], Any]

    def parse(self, text: str) -> Any:
        """Return the value that *text* means; raises SettingError."""
        try:
            return self._parse(text)
        except ValueError:
            raise SettingError(
                f'invalid value "{text}" in "{self.name}", it must be {self.wanted}'
            ) from None


def _unknown(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f', did you mean "{close[0]}"?' if close else ""
    return f'unknown setting "{name}"{hint}'


def read_zone_size(name: str, size: int | str) -> int:
    """Return the size of a shared dictionary.

    Args:
        name: what it is called.
        size: bytes, or text as ``lua_shared_dict`` takes it.

    Raises:
        SettingError: no dictionary can have that name or size.
    """
    if not name:
        raise SettingError(f'invalid lua shared dict name "{name}"')
    try:
        return zone_size(size)
    except ValueError:
        raise SettingError(f'invalid lua shared dict size "{size}"') from None


#: Where ``resty-py app.lua`` listens: on this machine only.
DEFAULT_LISTEN = "127.0.0.1:8080"


@dataclass(frozen=True)
class AppConfig:
    """A server of one app: ``resty-py app.lua``.

    Attributes:
        app: the Lua file that answers every request.
        listen: where to listen.
        flavour: name of the Lua flavour, or None for the best one.
        path: folders that come first on ``package.path``.
        root: the document root and prefix.
        access_log: its file, or None for none.
        error_log: its file, or None for stderr.
        error_level: the least severe level that is logged.
        resolvers: nameservers, or none for the system's own resolver.
        limits: sizes, timeouts and switches.
        shared_dicts: names and sizes of the shared dictionaries.
        workers: how many processes serve it under a master; 0: this one, alone.
        blocking_warning: as :class:`~resty_py.server.worker.Worker` takes it.
    """

    app: Path
    listen: tuple[Address, ...] = (parse_listen(DEFAULT_LISTEN),)
    flavour: str | None = None
    path: tuple[Path, ...] = ()
    root: Path = Path()
    access_log: Path | None = None
    error_log: Path | None = None
    error_level: str = "error"
    resolvers: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    shared_dicts: tuple[tuple[str, int], ...] = ()
    workers: int = 0
    blocking_warning: float = 0
