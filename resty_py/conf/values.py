"""Numbers, sizes, times and switches as nginx writes them.

Every function takes the text of one argument and returns its value, or raises
ValueError; what a directive says then is the business of its kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "MAX_INT",
    "Buffers",
    "parse_buffers",
    "parse_flag",
    "parse_number",
    "parse_offset",
    "parse_seconds",
    "parse_size",
    "parse_time",
]

#: The largest number, size and time in milliseconds: NGX_MAX_INT_T_VALUE.
MAX_INT = 2**63 - 1

_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2}
_OFFSET_UNITS = {**_SIZE_UNITS, "g": 1024**3}

# Milliseconds of each part of a time; a number without unit means seconds.
_TIME_UNITS = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
    "": 1000,
}

# Where whole seconds are meant there are years and months, and no ms.
_SECOND_UNITS = {
    "y": 31_536_000_000,
    "M": 2_592_000_000,
    **{unit: span for unit, span in _TIME_UNITS.items() if unit != "ms"},
}


def _pattern(units: dict[str, int]) -> re.Pattern[str]:
    return re.compile("".join(rf"(?:(\d+){unit} *)?" for unit in units), re.ASCII)


_TIME = _pattern(_TIME_UNITS)
_SECONDS = _pattern(_SECOND_UNITS)


def parse_number(text: str) -> int:
    """Return *text* as a number: ``ngx_conf_set_num_slot``. Raises ValueError."""
    return _bounded(int(_digits(text)))


def parse_size(text: str) -> int:
    """Return ``512``, ``8k`` or ``1m`` in bytes: ``ngx_parse_size``.

    Raises:
        ValueError: it is no such size, or too large.
    """
    return _scaled(text, _SIZE_UNITS)


def parse_offset(text: str) -> int:
    """Return *text* in bytes, as :func:`parse_size` but with ``2g`` too."""
    return _scaled(text, _OFFSET_UNITS)


def parse_time(text: str) -> float:
    """Return ``30``, ``1m30s`` or ``500ms`` in seconds: ``ngx_parse_time``.

    Units fall from w (weeks) over d, h, m, s to ms, with spaces after each;
    the last number may go without and means seconds. As with nginx's own
    timeouts there are no months and years.

    Raises:
        ValueError: it is no such time, or too large.
    """
    return _summed(text, _TIME, _TIME_UNITS) / 1000


def parse_seconds(text: str) -> int:
    """Return *text* in whole seconds: ``ngx_parse_time`` with ``is_sec``.

    As :func:`parse_time`, with y (years) and M (months) and without ms.
    """
    return _summed(text, _SECONDS, _SECOND_UNITS) // 1000


def parse_flag(text: str) -> bool:
    """Return whether *text* is on: ``ngx_conf_set_flag_slot``.

    Raises:
        ValueError: it is neither "on" nor "off", in whatever case.
    """
    if text.lower() not in ("on", "off"):
        raise ValueError(text)
    return text.lower() == "on"


@dataclass(frozen=True)
class Buffers:
    """How many buffers of which size: ``large_client_header_buffers``."""

    count: int
    size: int


def parse_buffers(text: str) -> Buffers:
    """Return a number of buffers and their size, ``4 8k``. Raises ValueError."""
    count, size = text.split()
    buffers = Buffers(parse_number(count), parse_size(size))
    if not buffers.count or not buffers.size:
        raise ValueError(text)
    return buffers


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit()) or len(text) > 40:
        raise ValueError(text)
    return text


def _scaled(text: str, units: dict[str, int]) -> int:
    digits = text.rstrip("kKmMgG")
    unit = text[len(digits) :].lower()
    if unit not in units:
        raise ValueError(text)
    return _bounded(int(_digits(digits)) * units[unit])


def _summed(text: str, pattern: re.Pattern[str], units: dict[str, int]) -> int:
    match = pattern.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(text)
    parts = zip(match.groups(default="0"), units.values(), strict=True)
    return _bounded(sum(int(_digits(number)) * span for number, span in parts))


def _bounded(number: int) -> int:
    if number > MAX_INT:
        raise ValueError(number)
    return number
