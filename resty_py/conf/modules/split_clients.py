"""The split_clients module: variables whose value depends on a hash."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..settings import SplitClients
from ..table import Command, Kind, Module
from .shorthand import HTTP

if TYPE_CHECKING:
    from ..reading import Call
    from ..template import Template

__all__ = ["MODULES", "SplitClientsDraft"]

#: Shares are counted in hundredths of a percent.
_WHOLE = 10000

_LAST_HASH = 0xFFFFFFFF

_PERCENT = re.compile(r"(\d*)(?:\.(\d{0,2}))?%", re.ASCII)


class SplitClientsDraft:
    """A split_clients block whose lines are being read."""

    def __init__(self, source: Template, variable: str) -> None:
        self.source = source
        self.variable = variable
        self.shares: list[tuple[int, str]] = []

    @property
    def is_too_much(self) -> bool:
        """Whether the shares are more than there is; 0 stands for all the rest."""
        total = 0
        for share, _ in self.shares:
            total = total + share if share else _WHOLE
            if total > _WHOLE:
                return True
        return False

    def finish(self) -> SplitClients:
        """Return what the shares are, as hashes."""
        parts: list[tuple[int, str]] = []
        end = 0
        for share, value in self.shares:
            end += share * _LAST_HASH // _WHOLE
            parts.append((end if share else _LAST_HASH + 1, value))
        return SplitClients(self.source, self.variable, tuple(parts))


def _read_split(call: Call) -> None:
    """Read ``split_clients text $variable``: ``ngx_conf_split_clients_block``."""
    source = call.template(call.args[0])
    name = call.args[1]
    if not name.startswith("$"):
        raise call.error(f'invalid variable name "{name}"')
    call.block.add("split_clients", SplitClientsDraft(source, call.define(name[1:])))


def _read_line(opener: Call, line: Call) -> None:
    """Read a share and its value: ``ngx_http_split_clients``."""
    if not line.args:
        raise line.error("invalid number of the split_clients parameters")
    draft: SplitClientsDraft = opener.block.last("split_clients")
    draft.shares.append((_share(line), line.args[0]))


def _share(line: Call) -> int:
    if line.name == "*":
        return 0
    match = _PERCENT.fullmatch(line.name)
    share = match and int(match[1] + (match[2] or "").ljust(2, "0"))
    if not share or share > _LAST_HASH:
        raise line.error(f'invalid percent value "{line.name}"')
    return share


def _check(end: Call) -> None:
    draft: SplitClientsDraft = end.block.last("split_clients")
    if draft.is_too_much:
        raise end.error("percent total is greater than 100%")


MODULES = (
    Module("ngx_http_split_clients_module", (
        Command(
            "split_clients", HTTP, "2", Kind("text $variable", _read_split),
            many=True, entry=_read_line, end=_check,
        ),
    )),
)  # fmt: skip
