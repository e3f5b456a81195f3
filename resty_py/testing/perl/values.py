"""Perl's values, and what they are as text, number or truth.

A scalar is a str, an int, a float, None (undef), a :class:`Regex`, or a
reference: list, dict, callable. Text is Latin-1: one character, one byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .regex import Regex

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Cell",
    "PerlObject",
    "Scope",
    "kind_of",
    "lines_of",
    "number",
    "text",
    "truth",
]

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?))")


class PerlObject(Protocol):
    """What Perl code may call methods of."""

    def call_method(self, name: str, arguments: Sequence[Any]) -> Any:
        """Return what the method gives for *arguments*."""


@dataclass
class Cell:
    """A scalar variable."""

    value: Any = None


@dataclass
class Scope:
    """The variables of a block, by sigil and name, and the scope around it."""

    parent: Scope | None = None
    variables: dict[str, Any] = field(default_factory=dict)

    def find(self, key: str) -> Any:
        """Return the variable named *key*, or None."""
        scope: Scope | None = self
        while scope is not None:
            if key in scope.variables:
                return scope.variables[key]
            scope = scope.parent
        return None


def text(value: Any) -> str:
    """Return a scalar as Perl makes text of it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, list | dict) or callable(value):
        return f"{kind_of(value)}(0x{id(value):x})"
    return str(value)


def number(value: Any) -> int | float:
    """Return a scalar as Perl makes a number of it."""
    if isinstance(value, int | float):
        return value
    match = _NUMBER.match(text(value))
    if match is None:
        return 0
    digits = match[1]
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits)


def truth(value: Any) -> bool:
    """Tell whether a scalar is true."""
    return value not in (None, "", "0", 0)


def kind_of(value: Any) -> str:
    """Return what ``ref`` says of a scalar."""
    if isinstance(value, list):
        return "ARRAY"
    if isinstance(value, dict):
        return "HASH"
    if isinstance(value, Regex):
        return "Regexp"
    return "CODE" if callable(value) else ""


def lines_of(string: str) -> list[str]:
    """Return the lines of a text, each with its line feed."""
    return re.findall(r"[^\n]*\n|[^\n]+", string)
