"""Perl's binary operators, ranges, sorting and files that are read."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DieError, UnsupportedError
from .values import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BINARY", "Lines", "open_lines", "sort", "span"]

#: The longest range and the longest text that repetition makes.
RANGE_MAX = 10_000_000
TEXT_MAX = 1 << 28


class Lines:
    """A file that is read line by line."""

    def __init__(self, content: str) -> None:
        self._content = content

    def next(self, separator: Any) -> str | None:
        """Return the next line, or all that is left if *separator* is None."""
        if not self._content:
            return None
        if separator is None:
            end = len(self._content)
        else:
            found = self._content.find(text(separator) or "\n")
            end = len(self._content) if found < 0 else found + 1
        line, self._content = self._content[:end], self._content[end:]
        return line

    def rest(self, separator: Any) -> list[str]:
        """Return all lines that are left."""
        lines = []
        while (line := self.next(separator)) is not None:
            lines.append(line)
        return lines


def open_lines(words: list[str]) -> Lines | OSError:
    """Open a file for reading: the arguments of ``open`` after the handle.

    Raises:
        UnsupportedError: it would not be for reading.
    """
    mode, path = words if len(words) == 2 else ("<", words[0].strip())
    if mode.split(":")[0].strip() != "<" or path.startswith((">", "|", "+")):
        raise UnsupportedError("open for writing")
    try:
        content = Path(path.removeprefix("<").strip()).read_bytes()
    except OSError as exc:
        return exc
    return Lines(content.decode("latin-1"))


def span(first: Any, last: Any) -> list[Any]:
    """Return the range from *first* to *last*: of numbers, or of strings.

    Raises:
        UnsupportedError: it would be too long.
    """
    if isinstance(first, str) and not re.fullmatch(r"-?\d+(\.\d+)?", first):
        return _string_span(first, text(last))
    low, high = int(number(first)), int(number(last))
    if high - low > RANGE_MAX:
        raise UnsupportedError("a range of so many numbers")
    return list(range(low, high + 1))


def _string_span(first: str, last: str) -> list[Any]:
    found = [first]
    while found[-1] != last and len(found[-1]) <= len(last):
        found.append(_increment(found[-1]))
    return found if found[-1] == last else found[:-1]


def _increment(word: str) -> str:
    """Return the word after *word*: ``++`` of a string."""
    if not word or not word[-1].isalnum():
        raise UnsupportedError("a range of such strings")
    head, char = word[:-1], word[-1]
    wrapped = {"z": "a", "Z": "A", "9": "0"}.get(char)
    if wrapped is None:
        return head + chr(ord(char) + 1)
    if not head:
        return ("1" if wrapped == "0" else wrapped) + wrapped
    return _increment(head) + wrapped


def sort(items: list[Any], compare: Callable[[Any, Any], int]) -> None:
    """Sort in place by what ``$a`` and ``$b`` are compared to."""
    items.sort(key=functools.cmp_to_key(compare))


def _divide(a: Any, b: Any) -> int | float:
    divisor = number(b)
    if not divisor:
        raise DieError("Illegal division by zero")
    quotient = number(a) / divisor
    return int(quotient) if quotient == int(quotient) else quotient


def _repeat(a: Any, b: Any) -> str:
    string, count = text(a), max(0, int(number(b)))
    if len(string) * count > TEXT_MAX:
        raise UnsupportedError("a text of such length")
    return string * count


def _bool(value: bool) -> Any:
    return 1 if value else ""


def _compare(a: Any, b: Any) -> int:
    return (a > b) - (a < b)  # type: ignore[no-any-return]


def _numeric(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(number(a), number(b))


def _textual(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(text(a), text(b))


#: What each operator does with two scalars.
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    ".": _textual(lambda a, b: a + b),
    "x": _repeat,
    "+": _numeric(lambda a, b: a + b),
    "-": _numeric(lambda a, b: a - b),
    "*": _numeric(lambda a, b: a * b),
    "/": _divide,
    "%": _numeric(lambda a, b: int(a) % int(b)),
    "**": _numeric(lambda a, b: a**b),
    "|": _numeric(lambda a, b: int(a) | int(b)),
    "&": _numeric(lambda a, b: int(a) & int(b)),
    "^": _numeric(lambda a, b: int(a) ^ int(b)),
    "<<": _numeric(lambda a, b: int(a) << int(b)),
    ">>": _numeric(lambda a, b: int(a) >> int(b)),
    "==": _numeric(lambda a, b: _bool(a == b)),
    "!=": _numeric(lambda a, b: _bool(a != b)),
    "<": _numeric(lambda a, b: _bool(a < b)),
    ">": _numeric(lambda a, b: _bool(a > b)),
    "<=": _numeric(lambda a, b: _bool(a <= b)),
    ">=": _numeric(lambda a, b: _bool(a >= b)),
    "<=>": _numeric(_compare),
    "eq": _textual(lambda a, b: _bool(a == b)),
    "ne": _textual(lambda a, b: _bool(a != b)),
    "lt": _textual(lambda a, b: _bool(a < b)),
    "gt": _textual(lambda a, b: _bool(a > b)),
    "le": _textual(lambda a, b: _bool(a <= b)),
    "ge": _textual(lambda a, b: _bool(a >= b)),
    "cmp": _textual(_compare),
}
