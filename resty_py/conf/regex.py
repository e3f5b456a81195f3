"""Regular expressions of a configuration; they are compiled by the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Regex"]

# A named group in any of PCRE's three spellings; escapes and what is quoted by
# \Q and \E is passed over.
_NAMED = re.compile(
    r"\\Q.*?(?:\\E|$)|\\.|\(\?P?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.DOTALL
)

# A capturing group, named or not; escapes and classes are passed over.
_GROUP = re.compile(
    r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?[^\]]*\]|(\((?![?*])|\(\?P?[<'][A-Za-z_])", re.DOTALL
)


@dataclass(frozen=True)
class Regex:
    """A PCRE pattern: ``ngx_http_regex_compile``.

    Attributes:
        pattern: its text.
        caseless: whether the case of letters does not matter.
        file: where it was written, for the error if PCRE refuses it.
        line: the line there.
    """

    pattern: str
    caseless: bool = False
    file: str = ""
    line: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its named captures, which become variables."""
        found = (match[1] or match[2] for match in _NAMED.finditer(self.pattern))
        return tuple(dict.fromkeys(name for name in found if name))

    @property
    def has_captures(self) -> bool:
        """Whether any group captures."""
        return any(match[1] for match in _GROUP.finditer(self.pattern))
