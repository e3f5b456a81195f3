"""Which process this is: what ``ngx.worker`` and ``ngx.process`` tell.

A VM is made by the master and forked into its workers, so a role is looked at
when Lua asks, and changed by the fork.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .counter import Counter
from .scoreboard import (
    ACCEPTED,
    ACTIVE,
    BEAT,
    ENDED,
    FLOATS,
    GENERATION,
    PID,
    ROW,
    SERIAL,
    SERVED,
    WAITING,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scoreboard import Scoreboard

__all__ = ["AGENT", "MASTER", "SINGLE", "WORKER", "Role"]

SINGLE, MASTER, WORKER, AGENT = b"single", b"master", b"worker", b"privileged agent"


@dataclass
class Role:
    """What a process is.

    Attributes:
        kind: the type, as ``ngx.process.type()`` has it.
        number: that of a worker, from 0 on; None for other processes.
        count: ``worker_processes``.
        master_pid: the process that is told what all shall do.
        board: the table of all processes, or None for a process without others.
        row: its row there.
        generation: which configuration of the master it serves, from 1 on.
        agent_connections: those of the privileged agent; None: there is none.
        counter: of connections.
    """

    kind: bytes = SINGLE
    number: int | None = 0
    count: int = 1
    master_pid: int = field(default_factory=os.getpid)
    board: Scoreboard | None = None
    row: int = 0
    generation: int = 0
    agent_connections: int | None = None
    counter: Counter = field(default_factory=Counter)

    def become(self, kind: bytes, number: int | None, row: int) -> None:
        """Be a process that the master has just forked, of that row."""
        self.kind, self.number, self.row = kind, number, row
        self.master_pid = os.getppid()
        self._write(PID, os.getpid())

    def accept(self) -> None:
        """Say that this process accepts clients from now on."""
        self._write(GENERATION, self.generation)

    def retire(self) -> None:
        """Say that it accepts none any more."""
        self._write(GENERATION, 0)

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return *function*, which enters Lua, so that the master sees it doing so."""
        if self.board is None:
            return function
        return self.board.counted(self.row, function)

    def _write(self, word: int, value: int) -> None:
        if self.board is not None:
            self.board.words[self.row * ROW + word] = value

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return what is its part of the host namespace ``worker``."""
        return {
            "kind": lambda: self.kind,
            "number": lambda: self.number,
            "count": lambda: self.count,
            "pid": os.getpid,
            "pids": self._pids,
            "master_pid": self._master_pid,
            "enable_agent": self._enable_agent,
            "place": self._place,
            "publish": lambda active: self._write(ACTIVE, active),
            "behind": self._behind,
            "numbers": self.counter.take,
            "tell": self._tell,
            "others": self._others,
            "serial": self._serial,
            "ended": self._ended,
        }

    def _pids(self) -> tuple[int, ...]:
        return (os.getpid(),) if self.board is None else tuple(self.board.pids())

    def _master_pid(self) -> int:
        # A master goes into the background after its VM was made.
        return self.master_pid if self.kind in (WORKER, AGENT) else os.getpid()

    def _enable_agent(self, connections: int) -> None:
        self.agent_connections = int(connections)

    def _place(self) -> tuple[int, int, int] | None:
        """Return where the table is, the row and the generation, for FFI."""
        if self.board is None:
            return None
        return self.board.address, self.row, self.generation

    def _tell(self, active: int, waiting: int, accepted: float, served: float) -> None:
        """Tell the others how busy this process is."""
        self._write(ACTIVE, active)
        self._write(WAITING, waiting)
        if self.board is not None:
            self.board.floats[self.row * FLOATS + ACCEPTED] = accepted
            self.board.floats[self.row * FLOATS + SERVED] = served

    def _others(self) -> tuple[int, int, float, float]:
        """Return how busy all others are, and were that have ended.

        ``lualib/resty_py/board.lua`` does the same.
        """
        assert self.board is not None
        words, floats = self.board.words, self.board.floats
        rows = [row for row in range(words[0] + 1) if row != self.row]
        return (
            sum(words[row * ROW + ACTIVE] for row in rows if row),
            sum(words[row * ROW + WAITING] for row in rows if row),
            sum(floats[row * FLOATS + ACCEPTED] for row in rows),
            sum(floats[row * FLOATS + SERVED] for row in rows),
        )

    def _serial(self, row: int) -> int:
        """Return the number of the process of a row, 0 for none."""
        assert self.board is not None
        serial: int = self.board.words[int(row) * ROW + SERIAL]
        return serial

    def _ended(self) -> int:
        """Return how many processes have ended."""
        assert self.board is not None
        ended: int = self.board.words[ENDED]
        return ended

    def _behind(self, active: int, margin: int) -> tuple[int, bool] | None:
        """Return the beats of the workers that have clearly fewer clients.

        And whether one of them is not in Lua. None: there is no such worker.
        ``lualib/resty_py/board.lua`` does the same.

        Args:
            active: clients of this worker.
            margin: how many fewer are not clearly fewer.
        """
        assert self.board is not None
        words = self.board.words
        beats = [
            words[row + BEAT]
            for row in range(ROW, (words[0] + 1) * ROW, ROW)
            if words[row + GENERATION] == self.generation
            and active - words[row + ACTIVE] > margin
        ]
        if not beats:
            return None
        return sum(beats), any(beat % 2 == 0 for beat in beats)
