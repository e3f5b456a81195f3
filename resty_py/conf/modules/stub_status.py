"""How busy a server is: the stub_status module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..table import Command, Kind, Module
from .shorthand import LOCATION, SERVER

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_status(call: Call) -> bool:
    """Read ``stub_status``, whose argument means nothing any more."""
    call.block.slots["content_handler"] = ["stub_status"]
    return True


MODULES = (
    Module("ngx_http_stub_status_module", (
        Command(
            "stub_status", SERVER | LOCATION, "0-1", Kind("[on]", _read_status),
            repeats=True,
        ),
    )),
)  # fmt: skip
