"""What Lua names by a number while it is open: streams of gzip and gunzip.

A stream is open until it is taken or closed; the module that opens one sees to
that with the request's end.
"""

from __future__ import annotations

import itertools
from typing import Generic, TypeVar

__all__ = ["Streams"]

_T = TypeVar("_T")


class Streams(Generic[_T]):
    """The open streams of one VM."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, _T] = {}

    def add(self, stream: _T) -> int:
        """Keep a stream; return its number."""
        number = next(self._numbers)
        self._open[number] = stream
        return number

    def __getitem__(self, number: int) -> _T:
        return self._open[number]

    def take(self, number: int) -> _T:
        """Return a stream, which is open no more."""
        return self._open.pop(number)

    def close(self, number: int) -> None:
        """Forget a stream, if it is open."""
        self._open.pop(number, None)
