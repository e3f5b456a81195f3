"""Perl's quotes: where a quoted text ends, and what stands in it.

Rules:

1. Brackets of the same kind nest; any other delimiter ends at its next
   occurrence that no backslash precedes.
2. ``$name`` and ``@name`` are filled in with their subscripts, ``${name}`` and
   ``@{[ expression ]}`` too. In a pattern ``$`` before ``)``, ``|`` or the end
   is an anchor.
3. In a pattern escapes are left to the regular expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Node", "closing", "interpolate", "unescape_single"]

#: A node of the syntax tree: its kind, then its parts.
Node = tuple[Any, ...]

_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}

_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "e": "\x1b", "f": "\f", "b": "\b",
}  # fmt: skip

_NUMERIC = re.compile(r"x\{\s*([0-9A-Fa-f]+)\s*\}|x([0-9A-Fa-f]{0,2})|([0-7]{1,3})")

_SCALAR = re.compile(
    r"\$(?:(?:::)?[A-Za-z_]\w*(?:::\w+)*|\d+|[&!@/,;0])|\$\{\s*\^?[\w:]+\s*\}|\$\$(?=\w)"
    r"|\$#\$?[A-Za-z_]\w*"
)
_ARRAY = re.compile(r"@(?:(?:::)?[A-Za-z_]\w*(?:::\w+)*|\{|\$(?=\w))")
_INDEX = re.compile(r"(?:->)?\[(?:-?\d+|\$#?\w+)\]|(?:->)\[|(?:->)?\{")


def closing(text: str, start: int) -> int:
    """Return where the text that is quoted by the delimiter at *start* ends.

    Returns:
        The place of the closing delimiter.

    Raises:
        UnsupportedError: there is none.
    """
    opener = text[start]
    closer = _CLOSING.get(opener, opener)
    depth, place = 1, start + 1
    while place < len(text):
        char = text[place]
        if char == "\\":
            place += 1
        elif char == closer:
            depth -= 1
            if not depth:
                return place
        elif char == opener:
            depth += 1
        place += 1
    raise UnsupportedError(f"no end of the text quoted by {opener}")


def unescape_single(raw: str, delimiters: str) -> str:
    """Return the text between single quotes: only they and ``\\`` are escaped."""
    both = re.escape(delimiters + _CLOSING.get(delimiters, "") + "\\")
    return re.sub(rf"\\([{both}])", r"\1", raw)


class _Reader:
    """Reads what is quoted into a list of texts and nodes.

    Args:
        raw: the text between the delimiters.
        parse: parses an expression at a place; returns it and where it ends.
        is_pattern: whether it is a regular expression.
    """

    def __init__(
        self,
        raw: str,
        parse: Callable[[str, int], tuple[Node, int]],
        is_pattern: bool,
    ) -> None:
        self._raw = raw
        self._parse = parse
        self._is_pattern = is_pattern
        self._place = 0
        self._parts: list[str | Node] = []
        self._quoting: int | None = None

    def read(self) -> list[str | Node]:
        while self._place < len(self._raw):
            char = self._raw[self._place]
            if char == "\\":
                self._escape()
            elif char not in "$@" or not self._variable():
                self._parts.append(char)
                self._place += 1
        self._end_quoting()
        return self._parts

    def _escape(self) -> None:
        following = self._raw[self._place + 1 : self._place + 2]
        if following == "Q":
            self._quoting = len(self._parts)
            self._place += 2
        elif following == "E":
            self._end_quoting()
            self._place += 2
        elif following and following in "UuLl" and not self._is_pattern:
            raise UnsupportedError(f"\\{following} in a string")
        elif self._is_pattern:
            self._parts.append(self._raw[self._place : self._place + 2])
            self._place += 2
        else:
            self._place += 1
            self._parts.append(self._character(following))

    def _character(self, following: str) -> str:
        if match := _NUMERIC.match(self._raw, self._place):
            self._place = match.end()
            digits = match[1] or match[2] or "0"
            code = int(match[3], 8) if match[3] else int(digits, 16)
            return chr(code) if code < 256 else chr(code).encode().decode("latin-1")
        self._place += len(following)
        return _ESCAPES.get(following, following)

    def _end_quoting(self) -> None:
        if self._quoting is not None:
            inner = self._parts[self._quoting :]
            del self._parts[self._quoting :]
            self._parts.append(("call", "quotemeta", [("interp", inner)]))
            self._quoting = None

    def _variable(self) -> bool:
        """Take a variable, if there is one here."""
        if self._raw[self._place] == "@":
            match = _ARRAY.match(self._raw, self._place)
        else:
            match = _SCALAR.match(self._raw, self._place)
        if match is None or (self._is_pattern and match[0] in ("$&", "$!", "$@", "$/")):
            return False
        if self._is_pattern and self._place + 1 == len(self._raw):
            return False
        is_array = match[0][0] == "@"
        node, end = self._parse(self._raw[: self._end(match.end())], self._place)
        self._parts.append(("join_list", node) if is_array else node)
        self._place = end
        return True

    def _end(self, place: int) -> int:
        """Return where the subscripts of a variable that ends at *place* end."""
        raw = self._raw
        if raw[place - 1] == "{":
            place = closing(raw, place - 1) + 1
        elif raw[place - 1] == "$":
            place = re.compile(r"\w+").match(raw, place).end()  # type: ignore[union-attr]
        while match := _INDEX.match(raw, place):
            is_quantifier = raw[place] == "{" and re.match(r"\{\d*,?\d*\}", raw[place:])
            if self._is_pattern and is_quantifier:
                break
            bracket = match.start() + (2 if match[0].startswith("->") else 0)
            place = closing(raw, bracket) + 1
        return place


def interpolate(
    raw: str,
    parse: Callable[[str, int], tuple[Node, int]],
    *,
    is_pattern: bool = False,
) -> Node:
    """Return the node of a text with variables and escapes.

    Args:
        raw: the text between the delimiters.
        parse: parses an expression at a place; returns it and where it ends.
        is_pattern: whether it is a regular expression.
    """
    parts = _Reader(raw, parse, is_pattern).read()
    joined: list[str | Node] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    if all(isinstance(part, str) for part in joined):
        return ("const", "".join(map(str, joined)))
    return ("interp", joined)
