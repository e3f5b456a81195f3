"""The logs of a program: its error logs, its access logs, and their files.

Rules:

1. A path that several logs name is one file, opened once, as nginx does it:
   ``ngx_conf_open_file``.
2. An access log without ``buffer`` is written line by line. One with it is
   flushed when it is full, when ``flush`` has passed, and when the files are
   reopened or closed. The buffer is the file's: all access logs that name it
   share it.
3. The order of :meth:`Logs.reopen` is that of ``ngx_reopen_files``: what cannot
   be opened again is said in the main error log, and kept.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from typing import TYPE_CHECKING, Any

from .capture import Capture
from .log import (
    ALERT,
    EMERG,
    AccessLog,
    ErrorLog,
    LogFile,
    failed_call,
    find_level,
    loop_time,
    write_all,
)
from .syslog import SyslogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..conf import settings

__all__ = ["Logs"]


class Logs:
    """The open logs of a program.

    Args:
        main: the logs of the main block, at least one.
        error_logs: those of other blocks; each has a number, its index.
        access_logs: those whose paths are constant, by number as well.
        clock: the clock that :attr:`deadline` is read on.
        wall: the wall clock of the error logs.

    Attributes:
        main: the main error log.

    Raises:
        OSError: a file cannot be opened; its ``filename`` says which.
    """

    def __init__(
        self,
        main: Sequence[settings.ErrorLog],
        error_logs: Iterable[Sequence[settings.ErrorLog]] = (),
        access_logs: Iterable[settings.AccessLog] = (),
        *,
        clock: Callable[[], float] = loop_time,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._capture: Capture | None = None
        self._is_failing = False
        self._files: dict[str | None, LogFile | SyslogFile] = {}
        try:
            self.main = self._error_log(main)
            self._errors = tuple(map(self._error_log, error_logs))
            self._accesses = self._access_logs(tuple(access_logs))
            for file in self._files.values():
                if isinstance(file, SyslogFile) and file not in self.main.files:
                    file.complain = self.main.write
        except OSError:
            self._close_files()
            raise
        self._kept = tuple(log for log in self._accesses if log.is_kept)

    @property
    def deadline(self) -> float:
        """When :meth:`flush` shall be called next; never, when no line waits."""
        first = math.inf
        for log in self._kept:
            if log.deadline < first:
                first = log.deadline
        return first

    @property
    def uses_stderr(self) -> bool:
        """Whether a log is the process's stderr."""
        return any(file.is_stderr for file in self._files.values())

    def flush(self) -> None:
        """Write the access logs whose lines have waited long enough."""
        now = self._clock()
        for log in self._kept:
            if log.deadline <= now:
                log.flush()

    def drain(self) -> None:
        """Write every access log's lines, however long they have waited."""
        for log in self._accesses:
            log.flush()

    def reopen(self, owner: tuple[int, int] | None = None) -> None:
        """Open every file again, for log rotation: ``nginx -s reopen``.

        Args:
            owner: as :meth:`LogFile.reopen` takes it.
        """
        self.drain()
        for file in self._files.values():
            complaint = file.reopen(owner)
            if complaint is not None:
                self.main.write(EMERG, complaint)

    def close(self) -> None:
        """Write what is kept and close every file; later lines are lost."""
        for log in self._accesses:
            log.end()
        self._close_files()

    def capture(self, size: int) -> None:
        """Let Lua read the lines of all error logs: ``lua_capture_error_log``."""
        self._capture = Capture(size)
        for log in (self.main, *self._errors):
            log.capture = self._capture

    def error_functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the host namespace ``log``.

        ``write(level, message, connection, number)`` writes a line into the error
        log of that number, or into the main one; ``level(number)`` is the least
        severe level that is written there. ``is_captured()`` tells whether lines are
        captured, ``capture_from(level)`` says which, ``take()`` returns level, time
        and text of the oldest, or nil.
        """
        return {
            "write": self._write_error,
            "level": self._level,
            "is_captured": lambda: self._capture is not None,
            "capture_from": self._capture_from,
            "take": self._take,
        }

    def access_functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the host namespace ``access``.

        ``write(number, line)`` writes a whole line into the access log of that
        number, ``write_path(path, line)`` into a file that is opened for it and
        answers ``nil, text`` if it cannot be.
        """
        writers = [log.write for log in self._accesses]

        def write(number: int, line: bytes) -> None:
            writers[number](line)

        return {"write": write, "write_path": self._write_path}

    def _error_log(self, logs: Sequence[settings.ErrorLog]) -> ErrorLog:
        # The one that is written most comes first, as nginx sorts them.
        logs = sorted(logs, key=lambda log: -find_level(log.level))
        files = [(self._file(log.path, log.syslog), log.level) for log in logs]
        return ErrorLog(files, self._wall)

    def _access_logs(self, logs: Sequence[settings.AccessLog]) -> tuple[AccessLog, ...]:
        """Return who writes each of *logs*: one for each file, with its buffer."""
        buffered_last = sorted(logs, key=lambda log: log.buffer > 0)
        chosen = {log.path.constant: log for log in buffered_last}
        writers = {path: self._access_log(path, log) for path, log in chosen.items()}
        return tuple(writers[log.path.constant] for log in logs)

    def _access_log(self, path: str | None, log: settings.AccessLog) -> AccessLog:
        assert path is not None
        return AccessLog(
            self._file(path, log.syslog),
            self.main,
            self._clock,
            buffer=log.buffer,
            flush=log.flush,
            gzip=log.gzip,
        )

    def _file(
        self, path: str | None, syslog: settings.Syslog | None
    ) -> LogFile | SyslogFile:
        file = self._files.get(path)
        if file is None:
            file = SyslogFile(syslog, self._wall) if syslog else LogFile(path)
            self._files[path] = file
        return file

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write_error(
        self,
        level: int,
        message: bytes,
        connection: int | None = None,
        number: int | None = None,
    ) -> None:
        log = self.main if number is None else self._errors[number]
        log.write(level, message, connection)

    def _capture_from(self, level: int) -> None:
        if self._capture is not None:
            self._capture.level = level

    def _take(self) -> tuple[int, float, bytes] | None:
        return None if self._capture is None else self._capture.take()

    def _level(self, number: int | None = None) -> int:
        return (self.main if number is None else self._errors[number]).level

    def _write_path(self, path: bytes, line: bytes) -> tuple[None, bytes] | bool:
        # nginx, too, takes what comes before a NUL.
        name = os.fsdecode(path.partition(b"\0")[0])
        try:
            file = LogFile(name)
        except OSError as exc:
            return None, failed_call(f'open() "{name}"', exc)
        with contextlib.closing(file):
            self._write_line(file, line)
        return True

    def _write_line(self, file: LogFile, line: bytes) -> None:
        """Write a line; that one cannot be written is said once until one can."""
        try:
            write_all(file.fd, line)
            self._is_failing = False
        except OSError as exc:
            if not self._is_failing:
                self.main.write(ALERT, failed_call(f'write() to "{file.path}"', exc))
            self._is_failing = True
