"""What finds files: the index, try_files and autoindex modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import FLAG, enum, off_only
from ..settings import TryFiles
from ..table import Command, Inherit, Kind, Module
from ..template import Template
from ..values import parse_number
from .shorthand import INERT, LOCAL, LOCATION, SERVER, flag, later

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]

#: The largest code of ``try_files``.
MAX_STATUS = 999


def _read_index(call: Call) -> list[Template]:
    for position, name in enumerate(call.args, 1):
        if name.startswith("/") and position < len(call.args):
            call.warn('only the last index in "index" directive should be absolute')
        if not name:
            raise call.error(f'index "{call.args[0]}" in "index" directive is invalid')
    return list(map(call.template, call.args))


def _read_try_files(call: Call) -> TryFiles:
    *names, last = call.args
    files = tuple(_candidate(call, name) for name in names)
    fallback = call.template(last)
    if not last.startswith("="):
        return TryFiles(files, fallback)
    try:
        status = parse_number(last[1:])
    except ValueError:
        status = MAX_STATUS + 1
    if status > MAX_STATUS:
        raise call.error(f'invalid code "{last}"')
    return TryFiles(files, None, status)


def _candidate(call: Call, name: str) -> tuple[Template, bool]:
    return call.template(name.removesuffix("/")), name.endswith("/")


MODULES = (
    Module("ngx_http_index_module", (
        Command(
            "index", LOCAL, "1+", Kind("file …", _read_index), "index.html",
            (Template(("index.html",)),), many=True,
        ),
    )),
    Module("ngx_http_try_files_module", (
        Command(
            "try_files", SERVER | LOCATION, "2+",
            Kind("file … (uri | =code)", _read_try_files), inherit=Inherit.NEVER,
        ),
    )),
    Module("ngx_http_autoindex_module", (
        Command("autoindex", LOCAL, "1", off_only(FLAG), "off"),
        Command(
            "autoindex_format", LOCAL, "1", enum("html", "json", "jsonp", "xml"),
            "html", status=INERT,
        ),
        flag("autoindex_localtime", LOCAL, "off", status=INERT),
        flag("autoindex_exact_size", LOCAL, "on", status=INERT),
    )),
    Module("ngx_http_random_index_module", (
        Command("random_index", LOCATION, "1", off_only(FLAG), "off"),
    )),
    Module("ngx_http_empty_gif_module", tuple(later(LOCATION, "0", "empty_gif"))),
    Module("ngx_http_flv_module", tuple(later(LOCATION, "0", "flv"))),
    Module("ngx_http_mp4_module", (
        *later(LOCATION, "0", "mp4"),
        *later(LOCAL, "1", "mp4_buffer_size mp4_max_buffer_size mp4_start_key_frame"),
    )),
)  # fmt: skip
