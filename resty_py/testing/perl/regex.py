"""Perl's regular expressions, by PCRE2.

Text is what Perl sees of a file without ``use utf8``: each character is one
byte, so patterns and subjects go to the library as Latin-1.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...host import regex
from .errors import PerlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Match", "Regex", "as_regex", "quote"]

_FLAGS = {"i": 0x8, "m": 0x400, "s": 0x20, "x": 0x80, "n": 0x2000}

#: Flags that change how a match is used, not what matches.
_OTHER_FLAGS = frozenset("gcoaeur")

_engines = threading.local()


def _functions() -> dict[str, Callable[..., Any]]:
    """Return the library's calls for this thread."""
    if not hasattr(_engines, "functions"):
        _engines.functions = regex.functions()
    functions: dict[str, Callable[..., Any]] = _engines.functions
    return functions


@dataclass(frozen=True)
class Match:
    """Where a pattern matched.

    Attributes:
        subject: the text.
        spans: start and end of the match and of each group, -1 for one that
            did not take part.
        names: the number of each named group.
    """

    subject: str
    spans: tuple[tuple[int, int], ...]
    names: dict[str, int]

    def group(self, number: int = 0) -> str | None:
        """Return the text of a group, or None if it did not take part."""
        if number >= len(self.spans):
            return None
        start, end = self.spans[number]
        return None if start < 0 else self.subject[start:end]

    @property
    def groups(self) -> list[str | None]:
        """The texts of all groups."""
        return [self.group(number) for number in range(1, len(self.spans))]

    @property
    def start(self) -> int:
        """Where the match starts."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where the match ends."""
        return self.spans[0][1]


@dataclass(frozen=True)
class Regex:
    """A compiled pattern: what ``qr//`` gives.

    Attributes:
        pattern: its text, variables filled in.
        flags: the letters after it.
    """

    pattern: str
    flags: str = ""

    def __str__(self) -> str:
        letters = "".join(flag for flag in "msixn" if flag in self.flags)
        return f"(?^{letters}:{self.pattern})"

    @property
    def _options(self) -> int:
        options = 0
        for flag in self.flags:
            if flag not in _OTHER_FLAGS:
                options |= _FLAGS[flag]
        return options

    def search(self, subject: str, start: int = 0) -> Match | None:
        """Return the first match at or after *start*, or None.

        Raises:
            PerlError: the pattern is none.
        """
        functions = _functions()
        pattern = self.pattern.encode("latin-1", "replace")
        answer = functions["compile"](pattern, self._options, 0, False)
        if answer[0] is None:
            text = functions["message"](answer[1]).decode()
            raise PerlError(f"{text} in regex {self}")
        functions["load"](subject.encode("latin-1", "replace"))
        count, *ends = functions["match"](pattern, self._options, 0, False, start)
        if count <= 0:
            return None
        spans = list(zip(ends[::2], ends[1::2], strict=True))
        spans += [(-1, -1)] * (answer[0] + 1 - len(spans))
        names = dict(zip(answer[1::2], answer[2::2], strict=True))
        return Match(
            subject,
            tuple(spans),
            {name.decode(): number for name, number in names.items()},
        )

    def find(self, subject: str) -> Iterator[Match]:
        """Yield all matches, one after the other."""
        start = 0
        while start <= len(subject) and (match := self.search(subject, start)):
            yield match
            start = match.end if match.end > match.start else match.end + 1


def as_regex(value: Any, flags: str = "") -> Regex:
    """Return a pattern as it is, or the one that a text says."""
    if isinstance(value, Regex) and not flags:
        return value
    return Regex(str(value), flags)


def quote(text: str) -> str:
    """Return a pattern that matches *text*: ``quotemeta``."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char == "_") else f"\\{char}"
        for char in text
    )
