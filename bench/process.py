"""A child process pinned to one core, and what the kernel knows of it.

1. ``taskset`` replaces itself by the command, so the pid is the command's and
   all it forks stays on the core.
2. CPU time and memory are those of the whole tree: a master and its workers
   count as one server. Time of children already reaped is in their parent's
   ``cutime``/``cstime``, so none is lost and none counted twice.
3. Each child leads a session of its own; closing it ends that group only.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = [
    "BenchError",
    "Process",
    "Stat",
    "accepts",
    "allow_files",
    "cores",
    "parse_stat",
    "pin_to_load_core",
]

_ROOT = Path(__file__).parent.parent
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


class BenchError(Exception):
    """A measurement could not be made, or would not mean anything."""


class Stat(NamedTuple):
    """What is used of one line of ``/proc/PID/stat``."""

    parent: int
    ticks: int


@cache
def cores() -> tuple[int, int]:
    """Return the server's core and the load's, as this process began.

    Raises:
        BenchError: this process may run on one core only.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed: one for the server, one for the load")
    return allowed[0], allowed[1]


def pin_to_load_core() -> None:
    """Run this process and what it starts on the load's core from now on."""
    os.sched_setaffinity(0, {cores()[1]})


def allow_files(wanted: int) -> None:
    """Let this process, and what it starts, have *wanted* files open.

    Raises:
        BenchError: the limit is lower and may not be raised.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (OSError, ValueError) as exc:
        raise BenchError(f"{wanted} open files are needed (ulimit -n)") from exc


def parse_stat(line: str) -> Stat:
    """Read one line of ``/proc/PID/stat`` (proc(5)); the name may hold anything."""
    fields = line[line.rindex(")") + 2 :].split()
    return Stat(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on loopback *port*."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Process:
    """A running command.

    Args:
        command: program and arguments, started in the checkout's root.
        core: where it and its children run.
        output: file that takes standard output and error.

    Use as a context manager: leaving it ends the process.
    """

    def __init__(self, command: Sequence[str], core: int, output: Path) -> None:
        self._name = Path(command[0]).name
        self._output = output
        with output.open("wb") as sink:
            self._child = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *command],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until *ready* says yes.

        Raises:
            BenchError: the process ended first, or took too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self._child.poll() is not None:
                raise BenchError(f"{self._name} ended at once: {self._last_words()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self._name} is not ready: {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def pin(self, allowed: Collection[int]) -> None:
        """Let its first thread run on these cores from now on."""
        os.sched_setaffinity(self._child.pid, allowed)

    def cpu_seconds(self) -> float:
        """Return user and system time of the tree so far."""
        stats = _all_stats()
        ticks = sum(stats[pid].ticks for pid in _tree(stats, self._child.pid))
        return ticks / _TICKS_PER_SECOND

    def rss_bytes(self) -> int:
        """Return the resident memory of the tree; shared pages count in each."""
        return sum(_resident(pid) for pid in _tree(_all_stats(), self._child.pid))

    def _last_words(self) -> str:
        lines = self._output.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _all_stats() -> dict[int, Stat]:
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            stats[int(folder.name)] = parse_stat((folder / "stat").read_text())
    return stats


def _tree(stats: dict[int, Stat], root: int) -> list[int]:
    """Return *root* and its descendants; raise BenchError where it is gone."""
    if root not in stats:
        raise BenchError("the server ended while it was measured")
    tree = [root]
    for parent in tree:
        tree += [pid for pid, stat in stats.items() if stat.parent == parent]
    return tree


def _resident(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_SIZE
    return 0
