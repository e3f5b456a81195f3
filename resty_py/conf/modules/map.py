"""The map module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hostnames import Hostnames, is_hostname
from ..kinds import NUMBER
from ..settings import Map, MapRule
from ..table import Command, Kind, Module
from ..template import Template
from .shorthand import HTTP, INERT

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES", "MapDraft"]


class MapDraft:
    """A map whose lines are being read."""

    def __init__(self, source: Template, variable: str) -> None:
        self.source = source
        self.variable = variable
        self.rules: list[MapRule] = []
        self.default: Template | None = None
        self.hostnames = False
        self.volatile = False
        self.keys = Hostnames()

    def finish(self) -> Map:
        """Return the map; without a default it gives the empty text."""
        return Map(
            self.source,
            self.variable,
            tuple(self.rules),
            Template() if self.default is None else self.default,
            self.hostnames,
            self.volatile,
        )


def _read_map(call: Call) -> None:
    source = call.template(call.args[0])
    name = call.args[1]
    if not name.startswith("$"):
        raise call.error(f'invalid variable name "{name}"')
    call.block.add("map", MapDraft(source, call.define(name[1:])))


def _read_line(opener: Call, line: Call) -> None:
    """Read a line of a map: ``ngx_http_map``."""
    draft: MapDraft = opener.block.last("map")
    if not line.args and line.name in ("hostnames", "volatile"):
        setattr(draft, line.name, True)
        return
    if len(line.args) != 1:
        raise line.error("invalid number of the map parameters")
    value = line.template(line.args[0])
    if line.name == "default":
        if draft.default is not None:
            raise line.error("duplicate default map parameter")
        draft.default = value
    elif line.name.startswith("~"):
        caseless = line.name.startswith("~*")
        regex = line.regex(line.name[2 if caseless else 1 :], caseless)
        draft.rules.append(MapRule(regex, value))
    else:
        _add_text(line, draft, value)


def _add_text(line: Call, draft: MapDraft, value: Template) -> None:
    text = line.name.removeprefix("\\").lower()
    if draft.hostnames and not is_hostname(text):
        raise line.error(f'invalid hostname or wildcard "{text}"')
    if not draft.keys.add(text, masks=draft.hostnames):
        raise line.error(f'conflicting parameter "{text}"')
    draft.rules.append(MapRule(text, value))


MODULES = (
    Module("ngx_http_map_module", (
        Command(
            "map", HTTP, "2", Kind("source $variable", _read_map), many=True,
            entry=_read_line,
        ),
        Command("map_hash_max_size", HTTP, "1", NUMBER, "2048", status=INERT),
        Command("map_hash_bucket_size", HTTP, "1", NUMBER, "64", status=INERT),
    )),
)  # fmt: skip
