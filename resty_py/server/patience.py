"""How long a master waits for workers to come back from Lua.

Their beats are in the scoreboard. One that has been in Lua for :data:`NOTICED`
seconds is asked what it is doing, and is killed after ``worker_patience``, whatever
it does and whether or not it has been told to finish.
"""

from __future__ import annotations

import math
import signal
import time
from typing import TYPE_CHECKING

from .channel import LOOK
from .log import ALERT

if TYPE_CHECKING:
    from .children import Child, Children
    from .process_log import Reporter
    from .scoreboard import Scoreboard

__all__ = ["LOOKS", "Patience"]

#: Seconds after which a worker is asked what it is doing, unless
#: ``worker_patience`` is shorter.
NOTICED = 10.0

#: Seconds between two looks.
LOOKS = 1.0


class Patience:
    """Watches the processes of a master.

    Args:
        board: their table.
        children: who they are.
        log: is told of those that do not come back.
    """

    def __init__(self, board: Scoreboard, children: Children, log: Reporter) -> None:
        self._board = board
        self._children = children
        self._log = log

    def next_look(self, now: float) -> float:
        """Return when to look next, on the monotonic clock; never, if there is none."""
        return now + LOOKS if self._children.are_alive else math.inf

    def look(self, limit: float) -> None:
        """Look who does not come back.

        Args:
            limit: ``worker_patience`` in seconds; 0: there is no end of it.
        """
        now = time.monotonic()
        for child in self._children:
            beat = self._board.beat(child.row)
            if beat != child.beat or beat % 2 == 0:
                child.beat, child.beaten, child.looked = beat, now, False
            elif not child.killed:
                self._judge(child, now - child.beaten, limit)

    def _judge(self, child: Child, seconds: float, limit: float) -> None:
        """Ask a worker what keeps it, or lose patience with it."""
        who = f"{child.seat.title} {child.pid}"
        text = f"{who} has not come back from Lua for {seconds:.0f} seconds"
        if limit and seconds >= limit:
            child.killed = True
            self._log.write(ALERT, f"{text} and is killed".encode())
            self._children.kill(child, signal.SIGKILL)
        elif seconds >= min(NOTICED, limit / 2 or NOTICED) and not child.looked:
            child.looked = True
            self._log.write(ALERT, text.encode())
            child.channel.send(LOOK)
