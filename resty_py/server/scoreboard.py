"""What the processes of a server know of each other: a table in shared memory.

The master makes it and hands out its rows; every process that it forks has the
same mapping. ``lualib/resty_py/board.lua`` reads it as well.

Rules:

1. A row is one cache line of words. Only its process writes it, but for PID,
   which the master writes too: with the same number, and 0 when it has ended; and
   for SERIAL, by which the master tells the processes of a row apart: no two of a
   server have the same, and 0 is that of none.
2. BEAT grows by one when the process enters Lua and by one when it leaves: it
   is odd while Lua runs. That is all a request costs.
3. ACTIVE is the number of clients. It counts only where GENERATION is that of
   the reader: workers of one configuration share what comes in, and one that
   drains, whose generation is 0, takes nothing.
4. The first word of all is the number of rows that have ever been used, the
   second one, ENDED, how many processes have ended.
5. WAITING, ACCEPTED and SERVED are written where the configuration asks how busy
   the server is. The last two are floats, clients and requests since the process
   began; those of processes that have ended are added up in the head.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ACCEPTED",
    "ACTIVE",
    "BEAT",
    "ENDED",
    "FLOATS",
    "GENERATION",
    "PID",
    "ROW",
    "SERIAL",
    "SERVED",
    "WAITING",
    "Scoreboard",
]

#: Processes of a server at most: NGX_MAX_PROCESSES.
ROWS = 1024

#: Words of a row, and what they are.
ROW = 16
PID, BEAT, ACTIVE, GENERATION, WAITING, SERIAL = range(6)

#: A row as floats, and which of them are such.
FLOATS = ROW // 2
ACCEPTED, SERVED = 3, 4

#: A word of the head.
ENDED = 1

#: What BEAT is counted with: it stays a positive word, and odd ones odd. So it is
#: with ENDED.
BEAT_MASK = 0x7FFFFFFF


class Scoreboard:
    """The table.

    Attributes:
        words: its 32-bit words, row after row; row 0 is the head.
        floats: the same memory as floats of 64 bits.
        address: where it is.
    """

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, ROWS * ROW * 4)
        self.words = memoryview(self._map).cast("i")
        self.floats = memoryview(self._map).cast("d")
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._last_serial = 0

    def take(self) -> int | None:
        """Return a row that is free, cleared, or None if there is none."""
        for row in range(1, ROWS):
            if not self.words[row * ROW + PID]:
                self._clear(row)
                self._last_serial += 1
                self.words[row * ROW + SERIAL] = self._last_serial
                self.words[0] = max(self.words[0], row)
                return row
        return None

    def release(self, row: int) -> None:
        """Take a row back: its process has ended."""
        for total in (ACCEPTED, SERVED):
            self.floats[total] += self.floats[row * FLOATS + total]
        self._clear(row)
        self.words[ENDED] = (self.words[ENDED] + 1) & BEAT_MASK

    def _clear(self, row: int) -> None:
        for word in range(row * ROW, (row + 1) * ROW):
            self.words[word] = 0

    def pids(self) -> list[int]:
        """Return the numbers of the processes, row by row."""
        rows = range(ROW, (self.words[0] + 1) * ROW, ROW)
        return [pid for row in rows if (pid := self.words[row + PID])]

    def count_accepting(self, generation: int) -> int:
        """Return how many workers of a configuration accept clients."""
        rows = range(ROW, (self.words[0] + 1) * ROW, ROW)
        return sum(self.words[row + GENERATION] == generation for row in rows)

    def beat(self, row: int) -> int:
        """Return a process's count; odd: it is in Lua."""
        return self.words[row * ROW + BEAT]

    def counted(self, row: int, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return *function*, which enters Lua, so that its process's beats tell."""
        words, at = self.words, row * ROW + BEAT

        def counted(*args: Any) -> Any:
            words[at] = (words[at] + 1) & BEAT_MASK
            try:
                return function(*args)
            finally:
                words[at] = (words[at] + 1) & BEAT_MASK

        return counted
