"""Kinds of arguments that many directives share: nginx's ``ngx_conf_set_*_slot``.

Each turns the arguments of a directive into its value and complains as nginx's
slot of that name does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .table import Kind
from .values import (
    Buffers,
    parse_buffers,
    parse_flag,
    parse_number,
    parse_offset,
    parse_seconds,
    parse_size,
    parse_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Call

__all__ = [
    "BUFFERS",
    "CONF_PATH",
    "FLAG",
    "KEY_VALUE",
    "MSEC",
    "NOTHING",
    "NUMBER",
    "OFFSET",
    "PATH",
    "SECONDS",
    "SIZE",
    "TEMPLATE",
    "TEMPLATE_SIZE",
    "TEMP_PATH",
    "TEXT",
    "TEXTS",
    "enum",
    "enums",
    "number",
    "off_only",
]

#: The digits of a temporary file's name that may become directories.
MAX_TEMP_DIGITS = 10


def _slot(label: str, parse: Callable[[str], Any], reason: str) -> Kind:
    def read(call: Call) -> Any:
        try:
            return parse(call.args[0])
        except ValueError:
            raise call.refused(reason) from None

    return Kind(label, read, parse)


def _read_flag(call: Call) -> bool:
    try:
        return parse_flag(call.args[0])
    except ValueError:
        raise call.error(
            f'invalid value "{call.args[0]}" in "{call.name}" directive, '
            'it must be "on" or "off"'
        ) from None


def _read_buffers(call: Call) -> Buffers:
    try:
        buffers = Buffers(parse_number(call.args[0]), parse_size(call.args[1]))
    except ValueError:
        raise call.refused("invalid value") from None
    if buffers.count == 0 or buffers.size == 0:
        raise call.refused("invalid value")
    return buffers


NOTHING = Kind("", lambda _call: True)
FLAG = Kind("on | off", _read_flag, parse_flag)
NUMBER = _slot("number", parse_number, "invalid number")
SIZE = _slot("size", parse_size, "invalid value")
OFFSET = _slot("size", parse_offset, "invalid value")
MSEC = _slot("time", parse_time, "invalid value")
SECONDS = _slot("time", parse_seconds, "invalid value")
BUFFERS = Kind("number size", _read_buffers, parse_buffers)
TEXT = Kind("text", lambda call: call.args[0], str)
TEXTS = Kind("text …", lambda call: call.args)
KEY_VALUE = Kind("name value", lambda call: call.args[:2])
PATH = Kind("path", lambda call: call.full_name(call.args[0]))
CONF_PATH = Kind("path", lambda call: call.full_name(call.args[0], conf=True))
TEMPLATE = Kind("text", lambda call: call.template(call.args[0]))


def _read_template_size(call: Call) -> Any:
    template = call.template(call.args[0])
    if template.constant is not None:
        try:
            return parse_size(template.constant)
        except ValueError:
            raise call.refused("invalid value") from None
    return template


#: A number of bytes, or a template for it: ``ngx_http_set_complex_value_size_slot``.
TEMPLATE_SIZE = Kind("size", _read_template_size, parse_size)


def number(low: int, high: int | None = None) -> Kind:
    """Return the kind of numbers from *low* to *high*: ``ngx_conf_check_num_bounds``.

    Args:
        low: the smallest.
        high: the largest, or None.
    """
    span = f"between {low} and {high}" if high else f"equal to or greater than {low}"

    def read(call: Call) -> int:
        value: int = NUMBER.read(call)
        if value < low or (high is not None and value > high):
            raise call.error(f"value must be {span}")
        return value

    return Kind(f"number {span}", read, parse_number)


def enum(*names: str) -> Kind:
    """Return the kind of one of *names*: ``ngx_conf_set_enum_slot``."""

    def read(call: Call) -> str:
        value = call.args[0].lower()
        if value not in names:
            raise call.error(f'invalid value "{call.args[0]}"')
        return value

    return Kind(" | ".join(names), read, str)


def enums(*names: str) -> Kind:
    """Return the kind of some of *names*: ``ngx_conf_set_bitmask_slot``."""
    known = {name.lower(): name for name in names}

    def read(call: Call) -> tuple[str, ...]:
        values: dict[str, None] = {}
        for arg in call.args:
            if arg.lower() not in known:
                raise call.error(f'invalid value "{arg}"')
            if known[arg.lower()] in values:
                call.warn(f'duplicate value "{arg}"')
            values[known[arg.lower()]] = None
        return tuple(values)

    return Kind(" | ".join(names) + " …", read, lambda text: tuple(text.split()))


def off_only(kind: Kind) -> Kind:
    """Return *kind* as far as it says "off"; anything else is for later."""

    def read(call: Call) -> Any:
        value = kind.read(call)
        if call.args[0].lower() != "off":
            raise call.not_yet(f'"{call.name} {call.args[0]}"')
        return value

    return Kind("off", read, kind.parse)


def _read_temp_path(call: Call) -> str:
    for arg in call.args[1:]:
        try:
            level = parse_number(arg)
        except ValueError:
            level = 0
        if level == 0:
            raise call.refused("invalid value")
    if sum(map(int, call.args[1:])) > MAX_TEMP_DIGITS:
        raise call.refused("invalid value")
    return call.full_name(call.args[0].removesuffix("/"))


#: A directory and the levels under it: ``ngx_conf_set_path_slot``.
TEMP_PATH = Kind("path [level …]", _read_temp_path)
