"""Writes docs/directives.md: ``python -m resty_py.conf.docs >docs/directives.md``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .modules import MODULES
from .table import ANYWHERE, Context, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .table import Command, Module

__all__ = ["render"]

_CONTEXTS = {
    Context.MAIN: "main",
    Context.EVENTS: "events",
    Context.HTTP: "http",
    Context.SERVER: "server",
    Context.LOCATION: "location",
    Context.SERVER_IF: "if in server",
    Context.LOCATION_IF: "if in location",
    Context.LIMIT_EXCEPT: "limit_except",
    Context.UPSTREAM: "upstream",
}

_INTRODUCTION = """\
# Directives

What resty-py makes of the directives of nginx.conf. This page is made of the
tables in `resty_py/conf/modules` by `python -m resty_py.conf.docs`.

- **{supported}** ({counts[SUPPORTED]}): does what it does in nginx or OpenResty.
- **{inert}** ({counts[INERT]}): its arguments are checked, and it has no
  meaning without nginx's own machinery, or none for what is supported so far.
- **{later}** ({counts[LATER]}): refused, by a line that says so and where. A
  lenient load leaves it out with a warning instead. Of a switch that may only be
  off the same is true of `on`.
"""


def render() -> str:
    """Return the page."""
    counts = dict.fromkeys((status.name for status in Status), 0)
    for module in MODULES:
        for command in module.commands:
            counts[command.status.name] += 1
    introduction = _INTRODUCTION.format(
        supported=Status.SUPPORTED.value,
        inert=Status.INERT.value,
        later=Status.LATER.value,
        counts=counts,
    )
    return "\n".join((introduction, *(_section(module) for module in MODULES)))


def _section(module: Module) -> str:
    lines = [
        f"## {module.name}",
        "",
        "| directive | contexts | arguments | default | status |",
        "|---|---|---|---|---|",
        *map(_row, module.commands),
        "",
    ]
    return "\n".join(lines)


def _row(command: Command) -> str:
    block = " { … }" if command.opens_block else ""
    default = "" if command.default is None else f"`{command.default}`"
    cells = (
        f"`{command.name}`",
        _contexts(command.contexts),
        _arguments(command) + block,
        default,
        command.status.value,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _contexts(contexts: Context) -> str:
    if contexts == ANYWHERE:
        return "any"
    return ", ".join(name for one, name in _CONTEXTS.items() if one & contexts)


def _arguments(command: Command) -> str:
    return " ".join(_words(command)) or "none"


def _words(command: Command) -> Iterator[str]:
    if command.kind.label:
        yield command.kind.label
    elif command.arity != "0":
        yield command.arity


if __name__ == "__main__":
    sys.stdout.write(render())
