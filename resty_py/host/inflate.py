"""Unpacking for Lua: the streams of the gunzip module (streams.py).

Members of gzip may follow each other, as in a file to which was appended.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

from .streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["functions"]

#: zlib: the largest window, in gzip's frame.
_GZIP = 16 + zlib.MAX_WBITS

#: zlib: what is wrong with the data, where Python does not say.
_DATA_ERROR = -3

_CODE = re.compile(r"Error (-?\d+) ")


class _Stream:
    """A body on its way."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._rest = b""

    @property
    def is_complete(self) -> bool:
        """Whether a member has just ended."""
        return self._member.eof

    def write(self, data: bytes, most: int) -> tuple[bytes, bool]:
        """Take *data*; return up to *most* bytes, and whether there are more."""
        found = b""
        data = self._rest + data
        while data or not self._member.eof:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            found += self._member.decompress(data, most - len(found))
            data = self._member.unconsumed_tail or self._member.unused_data
            if not data or len(found) == most:
                break
        self._rest = data
        return found, len(found) == most


class _Streams(Streams[_Stream]):
    """The open streams of one VM."""

    def open(self) -> int:
        """Return the number of a new stream: ``inflateInit2``."""
        return self.add(_Stream())

    def write(self, number: int, data: bytes, most: int) -> Any:
        """Take *data*; return what is ready, and whether there is more.

        Returns:
            None, False and zlib's code where the data is broken.
        """
        try:
            return self[number].write(data, int(most))
        except zlib.error as exc:
            code = _CODE.match(str(exc))
            return None, False, int(code[1]) if code else _DATA_ERROR

    def is_complete(self, number: int) -> bool:
        """Tell whether a stream may end here."""
        return self[number].is_complete


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``inflate`` of one VM."""
    streams = _Streams()
    return {
        "open": streams.open,
        "write": streams.write,
        "is_complete": streams.is_complete,
        "close": streams.close,
    }
