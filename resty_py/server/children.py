"""The processes of a master: their table, their starts and their ends.

Follows ``ngx_spawn_process``, ``ngx_process_get_status`` and
``ngx_reap_children``:

1. Each process has a row of the scoreboard and a channel.
2. One that has ended is started again unless it was told to end, belongs to a
   former configuration, or says by its exit code that it would be no use.
3. Unlike nginx's, one that ends within :data:`YOUNG` seconds of its start is
   started again after a pause, which doubles each time up to
   :data:`LONGEST_PAUSE`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .channel import QUIT, REOPEN, TERMINATE, Channel
from .log import ALERT, NOTICE, failed_call
from .role import AGENT, WORKER
from .scoreboard import PID, ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from signal import Signals

    from .process_log import Reporter
    from .scoreboard import Scoreboard

__all__ = ["Child", "Children", "Seat"]

#: The exit code of a process that is not to be started again.
FATAL = 2

#: A process that ends within these seconds may do so again.
YOUNG = 1.0

#: Seconds before such a one is started again: the first time, and at most.
PAUSE = 0.1
LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Seat:
    """What a process is for: one of its kind, of one configuration.

    Attributes:
        kind: as :class:`~resty_py.server.role.Role` has it.
        number: that of a worker; None for the privileged agent.
        generation: which configuration.
    """

    kind: bytes
    number: int | None
    generation: int

    @property
    def title(self) -> str:
        """What it is called in the log."""
        return {WORKER: "worker process", AGENT: "privileged agent process"}[self.kind]


@dataclass
class Child:
    """A process.

    Attributes:
        pid: its number.
        row: its row of the scoreboard.
        seat: what it is for.
        channel: its orders go there.
        began: when, on the monotonic clock.
        is_exiting: whether it was told to end.
        beat, beaten: its count when it last changed, and when that was seen.
        looked, killed: whether it was asked what Lua is doing since then, and
            whether it was killed.
    """

    pid: int
    row: int
    seat: Seat
    channel: Channel
    began: float
    is_exiting: bool = False
    beat: int = 0
    beaten: float = 0.0
    looked: bool = False
    killed: bool = False


class Children:
    """The processes of a master.

    Args:
        board: their table.
        log: is told what becomes of them.
        become: called in a fork with its seat, its row and its channel; it does
            not return.
    """

    def __init__(
        self,
        board: Scoreboard,
        log: Reporter,
        become: Callable[[Seat, int, Channel], None],
    ) -> None:
        self._board = board
        self._log = log
        self._become = become
        self._by_pid: dict[int, Child] = {}
        self._due: list[tuple[float, Seat]] = []
        self._pauses: dict[Seat, float] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._by_pid.values()))

    @property
    def are_alive(self) -> bool:
        """Whether there is any."""
        return bool(self._by_pid)

    @property
    def next_start(self) -> float | None:
        """When one is to be started again, on the monotonic clock."""
        return min((due for due, _ in self._due), default=None)

    # Starting -------------------------------------------------------------------

    def start(self, seat: Seat) -> bool:
        """Fork a process; tell whether that went well."""
        row = self._board.take()
        if row is None:
            self._log.write(ALERT, b"no more than 1023 processes can be spawned")
            return False
        channel = None
        try:
            channel = Channel()
            pid = os.fork()
        except OSError as exc:
            if channel is not None:
                channel.close()
            reason = failed_call("", exc).partition(b" failed ")[2]
            text = f'fork() failed while spawning "{seat.title}" '
            self._log.write(ALERT, text.encode() + reason)
            return False
        if pid == 0:
            self._forget_others()
            self._become(seat, row, channel)
        channel.keep_master_end()
        self._board.words[row * ROW + PID] = pid
        self._by_pid[pid] = Child(pid, row, seat, channel, time.monotonic())
        self._log.write(NOTICE, f"start {seat.title} {pid}".encode())
        return True

    def _forget_others(self) -> None:
        """Close the master's ends: one that is kept would hide the master's end."""
        for child in self._by_pid.values():
            child.channel.close()

    def start_due(self) -> None:
        """Start again what has waited for long enough."""
        now = time.monotonic()
        due = [seat for when, seat in self._due if when <= now]
        self._due = [one for one in self._due if one[0] > now]
        for seat in due:
            self.start(seat)

    # Telling --------------------------------------------------------------------

    def send(self, order: int, children: Iterable[Child] | None = None) -> None:
        """Give an order to *children*, or to all; those that end are told no more."""
        for child in self if children is None else children:
            if child.is_exiting and order == QUIT:
                continue
            child.channel.send(order)
            child.is_exiting = child.is_exiting or order in (QUIT, TERMINATE)

    def signal(self, number: Signals) -> None:
        """Send a signal to all."""
        for child in self:
            self.kill(child, number)

    def kill(self, child: Child, number: Signals) -> None:
        """Send a signal to one."""
        try:
            os.kill(child.pid, number)
        except OSError as exc:
            call = f"kill({child.pid}, {number.value})"
            self._log.write(ALERT, failed_call(call, exc))

    def reopen(self) -> None:
        """Let all open their logs again."""
        self.send(REOPEN)

    # Ending ---------------------------------------------------------------------

    def forget_due(self) -> None:
        """Start nothing again that waits for it."""
        self._due.clear()

    def reap(self, generation: int | None, others: Mapping[int, str]) -> set[int]:
        """Take note of what has ended, and start it again where that is due.

        Args:
            generation: the configuration in force; None: nothing is started.
            others: the titles of processes that are not in the table.

        Returns:
            Those of the others that have ended.
        """
        strangers = set()
        ended = []
        while (found := _wait()) is not None:
            pid, status = found
            child = self._by_pid.pop(pid, None)
            title = child.seat.title if child else others.get(pid, "unknown process")
            self._say_ended(title, pid, status)
            if child is None:
                strangers.add(pid)
            else:
                child.channel.close()
                self._board.release(child.row)
                ended.append((child, status))
        for child, status in ended:
            if child.seat.generation == generation and not child.is_exiting:
                self._restart(child, status)
        return strangers

    def _say_ended(self, title: str, pid: int, status: int) -> None:
        if os.WIFSIGNALED(status):
            core = " (core dumped)" if os.WCOREDUMP(status) else ""
            text = f"{title} {pid} exited on signal {os.WTERMSIG(status)}{core}"
            self._log.write(ALERT, text.encode())
        else:
            text = f"{title} {pid} exited with code {os.WEXITSTATUS(status)}"
            self._log.write(NOTICE, text.encode())

    def _restart(self, child: Child, status: int) -> None:
        seat = child.seat
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == FATAL:
            text = f"{seat.title} {child.pid} exited with fatal code {FATAL}"
            self._log.write(ALERT, f"{text} and cannot be respawned".encode())
            return
        if time.monotonic() - child.began > YOUNG:
            self._pauses.pop(seat, None)
            if not self.start(seat):
                self._log.write(ALERT, f"could not respawn {seat.title}".encode())
            return
        pause = self._pauses.get(seat, 0.0)
        self._pauses[seat] = min(max(2 * pause, PAUSE), LONGEST_PAUSE)
        self._due.append((time.monotonic() + pause, seat))
        if pause:
            text = f"{seat.title} is started again in {pause:g} seconds"
            self._log.write(NOTICE, text.encode())


def _wait() -> tuple[int, int] | None:
    """Return number and status of a process that has ended, if there is one."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None
