"""The headers-more module."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import ConfError
from ..settings import HeaderChange
from ..table import Command, Inherit, Kind, Module
from ..template import Template
from .shorthand import WITH_IF

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["MODULES"]

_HEADER = re.compile(r"\s*(\S[^\s:]*)[\s:]*(.*)", re.DOTALL | re.ASCII)

_SPACE = " \t\n\v\f\r"


class _Options:
    """What stands before and between the headers."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, Template]] = []
        self.statuses: list[int] = []
        self.types: list[str] = []
        self.replace = False


def _read_change(call: Call) -> HeaderChange:
    options = _Options()
    args = list(call.args)
    while args:
        arg = args.pop(0)
        if arg.startswith("-"):
            _read_option(call, arg, args, options)
        elif arg:
            options.headers.append(_header(call, arg))
    return HeaderChange(
        call.name,
        tuple(options.headers),
        tuple(options.statuses),
        tuple(options.types),
        options.replace,
    )


def _read_option(call: Call, arg: str, args: list[str], options: _Options) -> None:
    on_input = "_input_" in call.name
    if arg == "-r" and on_input:
        options.replace = True
        return
    if arg != "-t" and (arg != "-s" or on_input):
        raise _complaint(call, f'invalid option name: "{arg}"')
    if not args:
        raise _complaint(call, f"option {arg} takes an argument.")
    text = args.pop(0)
    if arg == "-t":
        options.types += text.replace(";", " ").split()
    else:
        options.statuses += _statuses(call, text)


def _statuses(call: Call, text: str) -> list[int]:
    for letter in text:
        if letter not in "0123456789" + _SPACE:
            raise _complaint(
                call,
                f'invalid digit "{letter}" found in the status code list "{text}"',
            )
    return [int(code[:20]) for code in text.split()]


def _header(call: Call, text: str) -> tuple[str, Template]:
    match = _HEADER.match(text)
    if match is None:
        raise _complaint(call, f"no key found in the header argument: {text}")
    name, value = match.groups()
    if name == "*":
        raise _complaint(call, f"wildcard key too short: {text}")
    if "clear" in call.name:
        return name, Template()
    return name, call.template(value)


def _complaint(call: Call, text: str) -> ConfError:
    """Return an error as this module reports it: without its place."""
    return ConfError(f"{call.name}: {text}", "error")


_KIND = Kind("[-t types] [-s statuses] header …", _read_change)
_INPUT_KIND = Kind("[-t types] [-r] header …", _read_change)

MODULES = (
    Module(
        "ngx_http_headers_more_filter_module",
        tuple(
            Command(
                name, WITH_IF, "1+", kind, slot="header_changes", many=True,
                inherit=Inherit.APPENDED,
            )
            for name, kind in (
                ("more_set_headers", _KIND),
                ("more_clear_headers", _KIND),
                ("more_set_input_headers", _INPUT_KIND),
                ("more_clear_input_headers", _INPUT_KIND),
            )
        ),
    ),
)  # fmt: skip
