"""The text of Perl code, read from left to right.

Rules:

1. Comments and documentation between ``=word`` and ``=cut`` are blank.
2. The text of a here-document begins on the line after its mark; whoever comes
   to the end of that line goes on behind the text.
3. ``__DATA__`` or ``__END__`` on a line of its own ends the code.
"""

from __future__ import annotations

import re

from .errors import UnsupportedError

__all__ = ["Source"]

_BLANK = re.compile(r"[ \t\r\f]+|#[^\n]*")
_DOCUMENTATION = re.compile(r"=[A-Za-z].*?(?:\n=cut[^\n]*(?:\n|$)|$)", re.DOTALL)
_END = re.compile(r"^__(?:DATA|END)__\s*$", re.MULTILINE)
_HEREDOC = re.compile(r"<<(~?)(?:\"([^\"\n]*)\"|'([^'\n]*)'|([A-Za-z_]\w*))")


class Source:
    """Perl code and a place in it.

    Attributes:
        text: the code.
        place: where the next token is looked for.
    """

    def __init__(self, text: str, place: int = 0) -> None:
        end = _END.search(text)
        self.text = text[: end.start()] if end else text
        self.place = place
        self._jumps: dict[int, int] = {}

    def skip(self) -> None:
        """Go to the next token."""
        text = self.text
        while self.place < len(text):
            if match := _BLANK.match(text, self.place):
                self.place = match.end()
            elif text[self.place] != "\n":
                return
            else:
                self.place = self._jumps.get(self.place, self.place + 1)
                if match := _DOCUMENTATION.match(text, self.place):
                    self.place = match.end()

    def at_end(self) -> bool:
        """Tell whether there is no further token."""
        self.skip()
        return self.place >= len(self.text)

    def peek(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the match of a pattern at the next token."""
        self.skip()
        return pattern.match(self.text, self.place)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the match of a pattern at the next token, and pass over it."""
        match = self.peek(pattern)
        if match:
            self.place = match.end()
        return match

    def sees(self, literal: str) -> bool:
        """Tell whether the next token starts with *literal*."""
        self.skip()
        return self.text.startswith(literal, self.place)

    def accept(self, literal: str) -> bool:
        """Pass over *literal* if it comes next; tell whether it did."""
        if self.sees(literal):
            self.place += len(literal)
            return True
        return False

    def expect(self, literal: str) -> None:
        """Pass over *literal*, which comes next.

        Raises:
            UnsupportedError: it does not.
        """
        if not self.accept(literal):
            raise self.unsupported(f"no {literal}")

    def unsupported(self, what: str) -> UnsupportedError:
        """Return the error that says what is here, and what is strange about it."""
        line = self.text.count("\n", 0, self.place) + 1
        rest = self.text[self.place : self.place + 30].partition("\n")[0]
        return UnsupportedError(f'{what} at line {line} near "{rest}"')

    def heredoc(self) -> tuple[str, bool] | None:
        """Return the here-document whose mark comes next, or None.

        Returns:
            Its text, and whether variables are filled in.
        """
        match = self.take(_HEREDOC)
        if match is None:
            return None
        tag = next(name for name in match.groups()[1:] if name is not None)
        newline = self.text.find("\n", self.place)
        start = self._jumps.get(newline, newline + 1)
        indent = r"[ \t]*" if match[1] else ""
        end = re.compile(rf"^{indent}{re.escape(tag)}\r?$", re.MULTILINE)
        found = end.search(self.text, start) if newline >= 0 else None
        if found is None:
            raise self.unsupported(f"no end of the here-document {tag}")
        self._jumps[newline] = min(found.end() + 1, len(self.text))
        text = self.text[start : found.start()]
        return _outdent(text) if match[1] else text, match[3] is None


def _outdent(text: str) -> str:
    lines = text.splitlines(keepends=True)
    widths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return "".join(line[min(widths, default=0) :] for line in lines)
