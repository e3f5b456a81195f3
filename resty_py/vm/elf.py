"""What a shared library asks of others and gives to them: its ELF file.

Only the section headers are read, which every linker writes.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DamagedError", "Library", "read"]

_MAGIC = b"\x7fELF"
_CLASS_64 = 2
_DYNSYM, _DYNAMIC = 11, 6
_DT_NEEDED = 1
_UNDEFINED = 0

# The header from e_shoff on, and where that is; a section's header: type,
# offset, size, link, entry size; a symbol: name, section; a dynamic entry.
_HEADER, _HEADER_AT = "Q I 5H H", 0x28
_SECTION = "4x I 16x Q Q I 12x Q"
_SYMBOL = "I 2x H 16x"
_DYNAMIC_ENTRY = "q Q"


class DamagedError(Exception):
    """An ELF file ends too early, or has nonsense in it."""


@dataclass(frozen=True)
class Library:
    """A shared library.

    Attributes:
        needed: the libraries that it is linked to, as it names them.
        undefined: the symbols that others must have.
        defined: the symbols that it has for others.
    """

    needed: tuple[str, ...]
    undefined: frozenset[str]
    defined: frozenset[str]


def read(path: str | bytes) -> Library | None:
    """Return what there is to know of a library.

    Returns:
        None where the file is not a 64-bit ELF one.

    Raises:
        OSError: it cannot be read.
        DamagedError: it is one, and no whole one.
    """
    data = Path(os.fsdecode(path)).read_bytes()
    if not data.startswith(_MAGIC) or len(data) < 64 or data[4] != _CLASS_64:
        return None
    try:
        return _Reader(data).library()
    except (struct.error, IndexError, ValueError, OverflowError) as exc:
        raise DamagedError(str(exc)) from exc


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[5] == 1 else ">"
        offset, _, _, _, _, size, count, _ = self._unpack(_HEADER, _HEADER_AT)
        self._sections = [
            self._unpack(_SECTION, offset + number * size) for number in range(count)
        ]

    def _unpack(self, form: str, offset: int) -> tuple[Any, ...]:
        return struct.unpack_from(self._order + form, self._data, offset)

    def library(self) -> Library:
        symbols = list(self._symbols())
        return Library(
            tuple(self._needed()),
            frozenset(name for name, section in symbols if section == _UNDEFINED),
            frozenset(name for name, section in symbols if section != _UNDEFINED),
        )

    def _entries(self, kind: int, form: str) -> Any:
        """Yield the place of the strings and the fields of each entry."""
        for found, offset, size, link, _ in self._sections:
            if found == kind:
                strings = self._sections[link][1]
                step = struct.calcsize(self._order + form)
                for place in range(offset, offset + size, step):
                    yield strings, *self._unpack(form, place)

    def _symbols(self) -> Any:
        for strings, name, section in self._entries(_DYNSYM, _SYMBOL):
            if name:
                yield self._string(strings + name), section

    def _needed(self) -> Any:
        for strings, tag, value in self._entries(_DYNAMIC, _DYNAMIC_ENTRY):
            if tag == _DT_NEEDED:
                yield self._string(strings + value)

    def _string(self, offset: int) -> str:
        end = self._data.index(b"\0", offset)
        return self._data[offset:end].decode(errors="replace")
