"""The headers module: ``add_header``, ``add_trailer`` and ``expires``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import AddedHeader, Expires
from ..table import Command, Kind, Module
from ..values import parse_seconds
from .shorthand import WITH_IF

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]

DAY = 86400


def _read_header(call: Call) -> AddedHeader:
    name, value = call.args[:2]
    header = AddedHeader(name, call.template(value), len(call.args) == 3)
    if header.always and call.args[2] != "always":
        raise call.error(f'invalid parameter "{call.args[2]}"')
    return header


def _read_expires(call: Call) -> Expires:
    modified = len(call.args) == 2
    if modified and call.args[0] != "modified":
        raise call.refused("invalid value")
    text = call.args[-1]
    template = call.template(text)
    if template.constant is None:
        return Expires("modified" if modified else "variable", value=template)
    if not modified and text in ("epoch", "max", "off"):
        return Expires(text)
    return _relative(call, text, "modified" if modified else "access")


def _relative(call: Call, text: str, mode: str) -> Expires:
    if text.startswith("@"):
        if mode == "modified":
            raise call.refused('daily time cannot be used with "modified" parameter')
        mode = "daily"
    try:
        seconds = parse_seconds(text[1:] if text[:1] in ("@", "+", "-") else text)
    except ValueError:
        raise call.refused("invalid value") from None
    if mode == "daily" and seconds > DAY:
        raise call.refused("daily time value must be less than 24 hours")
    return Expires(mode, -seconds if text.startswith("-") else seconds)


MODULES = (
    Module("ngx_http_headers_filter_module", (
        Command(
            "add_header", WITH_IF, "2-3", Kind("name value [always]", _read_header),
            many=True,
        ),
        Command(
            "add_trailer", WITH_IF, "2-3", Kind("name value [always]", _read_header),
            many=True,
        ),
        Command(
            "expires", WITH_IF, "1-2",
            Kind("[modified] time | @time of day | epoch | max | off", _read_expires),
            "off", Expires("off"),
        ),
    )),
)  # fmt: skip
