"""Compressing for Lua: the streams of the gzip module (streams.py)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from .streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["functions"]

#: zlib: what is added to a window's bits to get gzip's frame.
_GZIP_FRAME = 16


class _Streams(Streams["zlib._Compress"]):
    """The open streams of one VM."""

    def open(self, level: int, window: int, memory: int) -> int:
        """Return the number of a new stream: ``deflateInit2``.

        Args:
            level: 1 to 9.
            window: bits of the window, 9 to 15.
            memory: zlib's ``memLevel``, 1 to 9.
        """
        return self.add(
            zlib.compressobj(
                int(level), zlib.DEFLATED, _GZIP_FRAME + int(window), int(memory)
            )
        )

    def write(self, number: int, data: bytes) -> bytes:
        """Take *data*; return what is ready, which may be nothing."""
        return self[number].compress(data)

    def flush(self, number: int) -> bytes:
        """Return all of what was written: ``Z_SYNC_FLUSH``."""
        return self[number].flush(zlib.Z_SYNC_FLUSH)

    def finish(self, number: int) -> bytes:
        """Return the rest of a stream, and close it: ``Z_FINISH``."""
        return self.take(number).flush(zlib.Z_FINISH)


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``deflate`` of one VM."""
    streams = _Streams()
    return {
        "open": streams.open,
        "write": streams.write,
        "flush": streams.flush,
        "finish": streams.finish,
        "close": streams.close,
    }
