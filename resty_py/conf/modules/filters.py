"""Modules that work on responses: charset, gzip and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import BUFFERS, FLAG, NUMBER, SIZE, TEXT, enum, number, off_only
from ..settings import Substitution
from ..table import Command, Kind, Module
from ..template import Template, Variable
from .shorthand import HTTP, INERT, LOCAL, WITH_IF, flag, later

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]

_WINDOWS = tuple(512 << shift for shift in range(7))
_HASHES = tuple(512 << shift for shift in range(9))

_CHARSET_TYPES = (
    "text/html", "text/xml", "text/plain", "text/vnd.wap.wml",
    "application/javascript", "application/rss+xml",
)  # fmt: skip


def _read_charset(call: Call) -> Template:
    """Read a charset or a variable; ``off`` is an empty template."""
    name = call.args[0]
    if name == "off" and call.name == "charset":
        return Template()
    if name.startswith("$"):
        return Template((Variable(call.use(name[1:])),))
    return Template((name,))


def _read_types(call: Call) -> tuple[str, ...]:
    """Read MIME types; text/html is always one of them, ``*`` is all."""
    earlier: tuple[str, ...] = call.block.last(call.name) or ("text/html",)
    types = dict.fromkeys(earlier)
    if "*" in types:
        return ("*",)
    for arg in call.args:
        if arg == "*":
            return ("*",)
        if arg.lower() in types:
            call.warn(f'duplicate MIME type "{arg.lower()}"')
        types[arg.lower()] = None
    return tuple(types)


def _read_substitution(call: Call) -> Substitution:
    text, value = call.args
    if not text:
        raise call.error("empty search pattern")
    return Substitution(call.template(text), call.template(value))


def _one_of(sizes: tuple[int, ...], first: int, wanted: str) -> Kind:
    """Return the kind of sizes whose value is zlib's number: *first* and so on."""

    def read(call: Call) -> int:
        size: int = SIZE.read(call)
        if size not in sizes:
            raise call.refused(f"must be {wanted}")
        return first + sizes.index(size)

    return Kind(wanted, read)


_TYPES = Kind("type …", _read_types)
_CHARSET = Kind("charset | $variable | off", _read_charset)

MODULES = (
    Module("ngx_http_charset_filter_module", (
        Command("charset", WITH_IF, "1", _CHARSET),
        Command("source_charset", WITH_IF, "1", _CHARSET),
        flag("override_charset", WITH_IF, "off"),
        Command(
            "charset_types", LOCAL, "1+", _TYPES,
            "text/html text/xml text/plain text/vnd.wap.wml application/javascript "
            "application/rss+xml",
            _CHARSET_TYPES, repeats=True,
        ),
        *later(HTTP, "2", "charset_map", inside=HTTP),
    )),
    Module("ngx_http_gzip_filter_module", (
        flag("gzip", WITH_IF, "off"),
        Command("gzip_buffers", LOCAL, "2", BUFFERS, "32 4k", status=INERT),
        Command(
            "gzip_types", LOCAL, "1+", _TYPES, "text/html", ("text/html",),
            repeats=True,
        ),
        Command("gzip_comp_level", LOCAL, "1", number(1, 9), "1"),
        Command(
            "gzip_window", LOCAL, "1",
            _one_of(_WINDOWS, 9, "512, 1k, 2k, 4k, 8k, 16k, or 32k"), "32k", 15,
        ),
        Command(
            "gzip_hash", LOCAL, "1",
            _one_of(_HASHES, 1, "512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k"),
            "64k", 8,
        ),
        Command("postpone_gzipping", LOCAL, "1", SIZE, "0", status=INERT),
        flag("gzip_no_buffer", LOCAL, "off", status=INERT),
        Command("gzip_min_length", LOCAL, "1", SIZE, "20"),
    )),
    Module("ngx_http_gzip_static_module", (
        Command("gzip_static", LOCAL, "1", enum("off", "on", "always"), "off"),
    )),
    Module("ngx_http_gunzip_filter_module", (
        flag("gunzip", LOCAL, "off"),
        Command("gunzip_buffers", LOCAL, "2", BUFFERS, "32 4k"),
    )),
    Module("ngx_http_ssi_filter_module", (
        Command("ssi", WITH_IF, "1", off_only(FLAG), "off"),
        flag("ssi_silent_errors", LOCAL, "off", status=INERT),
        flag("ssi_ignore_recycled_buffers", LOCAL, "off", status=INERT),
        flag("ssi_last_modified", LOCAL, "off", status=INERT),
        Command("ssi_min_file_chunk", LOCAL, "1", SIZE, "1k", status=INERT),
        Command("ssi_value_length", LOCAL, "1", NUMBER, "255", status=INERT),
        Command(
            "ssi_types", LOCAL, "1+", _TYPES, "text/html", ("text/html",),
            repeats=True, status=INERT,
        ),
    )),
    Module("ngx_http_sub_filter_module", (
        Command(
            "sub_filter", LOCAL, "2", Kind("text replacement", _read_substitution),
            many=True,
        ),
        Command(
            "sub_filter_types", LOCAL, "1+", _TYPES, "text/html", ("text/html",),
            repeats=True,
        ),
        flag("sub_filter_once", LOCAL, "on"),
        flag("sub_filter_last_modified", LOCAL, "off"),
    )),
    Module("ngx_http_addition_filter_module", (
        Command("add_before_body", LOCAL, "1", TEXT),
        Command("add_after_body", LOCAL, "1", TEXT),
        Command(
            "addition_types", LOCAL, "1+", _TYPES, "text/html", ("text/html",),
            repeats=True,
        ),
    )),
    Module("ngx_http_slice_filter_module", tuple(later(LOCAL, "1", "slice"))),
    Module("ngx_http_image_filter_module", (
        *later(LOCAL, "1-3", "image_filter"),
        *later(
            LOCAL, "1",
            """image_filter_jpeg_quality image_filter_webp_quality
            image_filter_sharpen image_filter_transparency image_filter_interlace
            image_filter_buffer""",
        ),
    )),
    Module("ngx_http_xslt_filter_module", (
        *later(LOCAL, "1", "xml_entities xslt_last_modified"),
        *later(LOCAL, "1+", "xslt_stylesheet xslt_types"),
        *later(LOCAL, "2", "xslt_param xslt_string_param"),
    )),
)  # fmt: skip
