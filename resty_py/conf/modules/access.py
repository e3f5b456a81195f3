"""The access module: ``allow`` and ``deny``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..listen import parse_network
from ..settings import AccessRule
from ..table import Command, Kind, Module
from .shorthand import WITH_LIMIT

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]


def _read_rule(call: Call) -> AccessRule:
    text = call.args[0]
    source = text if text in ("all", "unix:") else _network(call, text)
    return AccessRule(call.name == "allow", source)


def _network(call: Call, text: str) -> str:
    try:
        network, exact = parse_network(text)
    except ValueError:
        raise call.error(f'invalid parameter "{text}"') from None
    if not exact:
        call.warn(f"low address bits of {text} are meaningless")
    return network


_KIND = Kind("address | network | unix: | all", _read_rule)

MODULES = (
    Module(
        "ngx_http_access_module",
        tuple(
            Command(name, WITH_LIMIT, "1", _KIND, slot="access_rules", many=True)
            for name in ("allow", "deny")
        ),
    ),
)
