"""Texts with variables in them: nginx's complex values.

Rules, those of ``ngx_http_script_compile``:

1. ``$1`` to ``$9`` are captures of the last regular expression.
2. ``$name`` and ``${name}`` are variables; names are letters, digits and
   underscores, and the case of letters does not matter.
3. There is no way to write a plain ``$``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Capture", "Template", "TemplateError", "Variable", "parse_template"]

_NAME = "[A-Za-z0-9_]"
_FORMAT = rf"""[^$]+
    | \$(?P<name>{_NAME}+)
    | \$\{{(?P<braced>{_NAME}+)\}}
    | \$\{{(?P<open>{_NAME}*)"""
_PIECE = re.compile(rf"\$(?P<capture>[1-9]) | (?P<text>{_FORMAT})", re.VERBOSE)
_PIECE_WITHOUT_CAPTURES = re.compile(
    rf"(?P<capture>(?!)) | (?P<text>{_FORMAT})", re.VERBOSE
)


class TemplateError(ValueError):
    """A text has a ``$`` that starts nothing; the message is nginx's.

    Attributes:
        rest: the text from that ``$`` on.
    """

    def __init__(self, message: str, rest: str) -> None:
        super().__init__(message)
        self.rest = rest


@dataclass(frozen=True)
class Variable:
    """The value of a variable; its name is in lower case."""

    name: str


@dataclass(frozen=True)
class Capture:
    """The text of a capture of the last regular expression, 1 to 9."""

    number: int


@dataclass(frozen=True)
class Template:
    """A text whose variables are filled in for each request.

    Attributes:
        parts: plain texts, variables and captures in order.
    """

    parts: tuple[str | Variable | Capture, ...] = ()

    @property
    def constant(self) -> str | None:
        """The text, if nothing is to be filled in."""
        if not self.parts:
            return ""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, str) else None

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables."""
        return tuple(part.name for part in self.parts if isinstance(part, Variable))


def parse_template(text: str, captures: bool = True) -> Template:
    """Return *text* as a template.

    Args:
        text: as it is written.
        captures: whether ``$1`` is a capture, or the variable of that name.

    Raises:
        TemplateError: a variable has no name or no closing bracket.
    """
    pattern = _PIECE if captures else _PIECE_WITHOUT_CAPTURES
    return Template(tuple(_parts(text, pattern)))


def _parts(text: str, piece: re.Pattern[str]) -> Iterator[str | Variable | Capture]:
    at = 0
    while at < len(text):
        match = piece.match(text, at)
        if match is None:
            raise TemplateError("invalid variable name", text[at:])
        yield _part(match)
        at = match.end()


def _part(match: re.Match[str]) -> str | Variable | Capture:
    if match["capture"] is not None:
        return Capture(int(match["capture"]))
    name = match["name"] or match["braced"]
    if name is not None:
        return Variable(name.lower())
    if match["open"] is not None:
        raise TemplateError(_unclosed(match), match.string[match.start() :])
    return match["text"]


def _unclosed(match: re.Match[str]) -> str:
    after = match.string[match.end() : match.end() + 1]
    if not match["open"] and after in ("", "}"):
        return "invalid variable name"
    return f'the closing bracket in "{match["open"]}" variable is missing'
