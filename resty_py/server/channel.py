"""What the master tells its workers: ``ngx_write_channel``.

Orders are bytes on a socket pair. A worker reads them in the thread that reads
its signals, so that they are noticed even while Lua never yields, and it learns
there that the master is gone.
"""

from __future__ import annotations

import contextlib
import socket

__all__ = ["LOOK", "MASTER_GONE", "QUIT", "REOPEN", "TERMINATE", "Channel"]

QUIT, TERMINATE, REOPEN, LOOK = range(1, 5)

#: What the end of the stream stands for.
MASTER_GONE = 0


class Channel:
    """The two ends of a channel, of which a process keeps one.

    Raises:
        OSError: there are no more descriptors.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    def keep_master_end(self) -> None:
        """Close the worker's end: this is the master."""
        self._theirs.close()

    def keep_worker_end(self) -> socket.socket:
        """Close the master's end, and return the worker's."""
        self._ours.close()
        return self._theirs

    def send(self, order: int) -> bool:
        """Give an order; tell whether the worker can get it."""
        try:
            return self._ours.send(bytes([order])) == 1
        except OSError:
            return False

    def close(self) -> None:
        """Close what is open."""
        for end in (self._ours, self._theirs):
            with contextlib.suppress(OSError):
                end.close()
