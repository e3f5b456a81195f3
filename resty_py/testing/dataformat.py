"""The data of a ``.t`` file: blocks, their sections and the filters on them.

Follows the format of Perl's Test::Base:

1. A line that starts with ``===`` begins a block; the rest of it is its name.
2. A line ``--- name filters`` begins a section; after ``:`` its value is the
   rest of the line, and nothing but blank lines may follow.
3. Every value has its line ends made ``\\n`` and blank lines around it removed;
   then the filters of the section are applied from left to right.
4. Of ``SKIP``, ``ONLY`` and ``LAST`` the first leaves a block out, the second
   all others, and the third all that follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .perl.values import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FormatError", "RawBlock", "RawSection", "chosen", "parse", "split_file"]

_DATA = re.compile(r"^__(?:DATA|END)__[ \t]*\r?\n", re.MULTILINE)
_BLOCK = re.compile(r"^===.*?(?=^===|\Z)", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(r"===[ \t]*(.*)\s+")
_SECTION = re.compile(r"^--- +\(?(\w+)\)? *(.*)?\n", re.MULTILINE)
_INLINE = re.compile(r":(?:\s|$)")


class FormatError(Exception):
    """The data of a file is none; the text says what is wrong."""


@dataclass(frozen=True)
class RawSection:
    """A section as it is written.

    Attributes:
        name: its name.
        filters: the names of its filters.
        text: its value before any filter.
    """

    name: str
    filters: tuple[str, ...]
    text: str

    @property
    def plain(self) -> str:
        """Its value before any filter, without the lines around it."""
        return _trim(_normalise(self.text))

    @property
    def own_filters(self) -> tuple[str, ...]:
        """Those of its filters that the file itself has to bring."""
        known = _FILTERS.keys() | {"eval"}
        return tuple(name for name in self.filters if name not in known)

    def value(self, evaluate: Callable[[str], Any]) -> Any:
        """Return the value after the filters.

        Args:
            evaluate: the filter ``eval``.

        Raises:
            FormatError: a filter is not known.
        """
        value: Any = self.plain
        for name in self.filters:
            if name == "eval":
                value = evaluate(value)
            elif name in _FILTERS:
                value = _FILTERS[name](value)
            else:
                raise FormatError(f"unknown filter {name} of section {self.name}")
        return value


@dataclass
class RawBlock:
    """A block as it is written.

    Attributes:
        name: what stands after ``===``.
        number: its place among the blocks of the file, from 1.
        line: the line where it begins.
        sections: its sections by name; the last of one name counts.
    """

    name: str
    number: int
    line: int
    sections: dict[str, RawSection] = field(default_factory=dict)


def split_file(text: str) -> tuple[str, str, int]:
    """Return the code of a file, its data, and the line where that begins."""
    match = _DATA.search(text)
    if match is None:
        return text, "", 0
    return text[: match.start()], text[match.end() :], text.count("\n", 0, match.end())


def parse(data: str, first_line: int = 0) -> list[RawBlock]:
    """Return the blocks of a file's data, in their order.

    Args:
        data: what follows ``__DATA__``.
        first_line: the lines of the file before it.

    Raises:
        FormatError: it is not written as it should be.
    """
    blocks = []
    for number, match in enumerate(_BLOCK.finditer(data), start=1):
        line = first_line + data.count("\n", 0, match.start()) + 1
        blocks.append(_parse_block(match[0], number, line))
    return blocks


def _parse_block(text: str, number: int, line: int) -> RawBlock:
    head = _HEAD.match(text)
    if head is None:
        raise FormatError(f"line {line}: a block without sections")
    block = RawBlock(head[1].strip(), number, line)
    parts = _SECTION.split(text[head.end() :])[1:]
    for name, options, value in zip(*[iter(parts)] * 3, strict=True):
        block.sections[name] = _parse_section(name, options or "", value)
    return block


def _parse_section(name: str, options: str, text: str) -> RawSection:
    if match := _INLINE.search(options):
        if text.strip():
            raise FormatError(f"Extra lines not allowed in '{name}' section")
        text = options[match.end() :].strip()
        options = options[: match.start()]
    return RawSection(name, tuple(options.split()), text)


def chosen(blocks: Iterable[RawBlock]) -> list[RawBlock]:
    """Return the blocks that are to be run: ``SKIP``, ``ONLY`` and ``LAST``."""
    found = []
    for block in blocks:
        if "SKIP" in block.sections:
            continue
        if "ONLY" in block.sections:
            return [block]
        found.append(block)
        if "LAST" in block.sections:
            break
    return found


# Filters ---------------------------------------------------------------------


def _normalise(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _trim(text: str) -> str:
    text = re.sub(r"\A([ \t]*\n)+", "", text)
    return re.sub(r"(?<=\n)\s*\Z", "", text)


def _chomp(value: Any) -> Any:
    return value.removesuffix("\n") if isinstance(value, str) else value


def _chop(value: Any) -> Any:
    return value[:-1] if isinstance(value, str) else value


def _lines(value: Any) -> list[str]:
    return lines_of(str(value))


def _unchomp(value: Any) -> str:
    return f"{value}\n"


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "chomp": _chomp,
    "chop": _chop,
    "trim": _trim,
    "norm": _normalise,
    "unchomp": _unchomp,
    "lines": _lines,
    "-trim": lambda value: value,
}
