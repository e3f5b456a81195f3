"""What comes is told to other locations too: the mirror module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..table import Command, Kind, Module
from .shorthand import LOCAL, flag

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_mirror(call: Call) -> list[str]:
    """Read a URI; ``off`` stands alone: ``ngx_http_mirror``."""
    uri = call.args[0]
    given = call.block.slots.get(call.name)
    if given is not None and (uri == "off" or not given):
        raise call.refused("is duplicate")
    return [] if uri == "off" else [uri]


MODULES = (
    Module("ngx_http_mirror_module", (
        Command(
            "mirror", LOCAL, "1", Kind("uri | off", _read_mirror), "off", many=True
        ),
        flag("mirror_request_body", LOCAL, "on"),
    )),
)  # fmt: skip
