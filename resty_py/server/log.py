"""The error log and the access log, in nginx's formats.

Rules:

1. A log never raises into the worker: what cannot be written is lost.
2. A line leaves in one write to a descriptor opened for appending, so lines of
   several workers do not mix.
3. A log file that cannot be opened again is kept as it was.
4. Several logs may share a file; :mod:`~resty_py.server.logs` owns them.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import math
import os
import stat
import threading
import time
import traceback
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from .capture import Capture
    from .syslog import SyslogFile

__all__ = [
    "LEVELS",
    "AccessLog",
    "ErrorLog",
    "ErrorLogHandler",
    "LogFile",
    "failed_call",
    "find_level",
    "loop_time",
    "route_logging",
    "unroute_logging",
    "write_all",
]

#: Level names as in ``error_log FILE LEVEL``; the index is ``ngx.STDERR`` (0)
#: to ``ngx.DEBUG`` (8).
LEVELS = (
    "stderr", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
)  # fmt: skip

STDERR, EMERG, ALERT, CRIT, ERR, WARN, NOTICE, INFO, DEBUG = range(len(LEVELS))

#: The longest error log line with its line feed: NGX_MAX_ERROR_STR, 2048 in
#: nginx and 4096 in OpenResty.
MAX_ERROR_STR = 4096

#: Access log lines kept before they are written: ``access_log … buffer=64k``.
ACCESS_LOG_BUFFER = 64 * 1024

#: How long they are kept at most: ``access_log … flush=1s``.
ACCESS_LOG_FLUSH = 1.0

#: Mode of new log files: NGX_FILE_DEFAULT_ACCESS.
FILE_MODE = 0o644

#: What the user of the workers may do at least with log files.
OWN_MODE = stat.S_IRUSR | stat.S_IWUSR

# nginx leaves the label of level stderr empty.
_LABELS = tuple(b"" if name == "stderr" else name.encode() for name in LEVELS)

_STDERR_FD = 2

# Devices that cannot always be opened by name: a socket, for one.
_STANDARD_STREAMS = {"/dev/stdout": 1, "/dev/stderr": _STDERR_FD}


def loop_time() -> float:
    """Return the time of Trio's clock."""
    return trio.current_time()


def find_level(level: str | int) -> int:
    """Return the number of *level*, a name of :data:`LEVELS` or a number.

    Raises:
        ValueError: there is no such level; the text is nginx's.
    """
    if isinstance(level, int) and 0 <= level < len(LEVELS):
        return level
    if level in LEVELS:
        return LEVELS.index(level)
    raise ValueError(f'invalid log level "{level}"')


def failed_call(call: str, exc: OSError) -> bytes:
    """Return nginx's text for a system call that failed.

    Args:
        call: such as ``open() "/x"``.
        exc: why it did.
    """
    return os.fsencode(f"{call} failed ({exc.errno}: {exc.strerror})")


def _open(path: Path | str) -> int:
    stream = _STANDARD_STREAMS.get(str(path))
    if stream is not None:
        return os.dup(stream)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    return os.open(path, flags, FILE_MODE)


class LogFile:
    """A file that logs append to: ``ngx_open_file_t``.

    Args:
        path: where it is, or None for stderr.

    Attributes:
        path: the same.
        fd: its descriptor; -1 when it is closed.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path | str | None) -> None:
        self.path = path
        self.fd = _STDERR_FD if path is None else _open(path)

    @property
    def is_stderr(self) -> bool:
        """Whether this is the process's stderr, whatever that is."""
        return self.fd == _STDERR_FD

    def reopen(self, owner: tuple[int, int] | None = None) -> bytes | None:
        """Open the file again, for log rotation.

        Args:
            owner: the user whose processes open it as well, and its group.

        Returns:
            None, or why it could not be opened and was kept as it was.
        """
        if self.path is None:
            return None
        try:
            fd = _open(self.path)
        except OSError as exc:
            return failed_call(f'open() "{self.path}"', exc)
        complaint = owner and self._hand_over(fd, owner[0])
        if complaint:
            os.close(fd)
            return complaint
        os.close(self.fd)
        self.fd = fd
        return None

    def _hand_over(self, fd: int, user: int) -> bytes | None:
        """Let a user write into the file; return why that is not possible."""
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return None
        call = f'chown("{self.path}", {user})'
        try:
            if found.st_uid != user:
                os.fchown(fd, user, -1)
            call = f'chmod() "{self.path}"'
            if found.st_mode & OWN_MODE != OWN_MODE:
                os.fchmod(fd, stat.S_IMODE(found.st_mode) | OWN_MODE)
        except OSError as exc:
            return failed_call(call, exc)
        return None

    def append(self, _level: int | None, line: bytes) -> None:
        """Write a line of an error log; what cannot be written is lost."""
        with contextlib.suppress(OSError):
            os.write(self.fd, line)

    def close(self) -> None:
        """Close the file, but not stderr; what is written later is lost."""
        if not self.is_stderr:
            os.close(self.fd)
            self.fd = -1


class ErrorLog:
    """nginx's error log: ``ngx_log_error_core``.

    Args:
        files: where its lines go, each with the least severe level that is
            written there.
        wall: the wall clock, in seconds since the epoch.

    Attributes:
        level: the number of the least severe level; may be lowered at any time.
        capture: gets every line as well, where there is one.
        files: where its lines go.

    Raises:
        ValueError: there is no such level.
    """

    def __init__(
        self,
        files: Iterable[tuple[LogFile | SyslogFile, str | int]],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._targets = tuple((file, find_level(level)) for file, level in files)
        self._wall = wall
        self._stamp = (-1, b"")
        self.capture: Capture | None = None
        self.level = max(level for _, level in self._targets)
        self.files = tuple(file for file, _ in self._targets)

    def enabled(self, level: int) -> bool:
        """Tell whether lines of *level* are written."""
        return level <= self.level

    def on_stderr(self, level: int) -> bool:
        """Tell whether lines of *level* are written to stderr."""
        if level > self.level:
            return False
        return any(file.is_stderr and level <= least for file, least in self._targets)

    def write(self, level: int, message: bytes, connection: int | None = None) -> None:
        """Write one line, cut at :data:`MAX_ERROR_STR`; never raises OSError.

        Args:
            level: ``ngx.STDERR`` to ``ngx.DEBUG``.
            message: as it shall be read, line feeds included.
            connection: the serial number of the client connection.
        """
        if level > self.level:
            return
        line = (self._head(level, connection) + message)[: MAX_ERROR_STR - 1]
        if self.capture is not None:
            self.capture.add(level, self._wall(), line)
        line += b"\n"
        for file, least in self._targets:
            if level <= least:
                file.append(level, line)

    def _head(self, level: int, connection: int | None) -> bytes:
        number = b"" if connection is None else b"*%d " % connection
        return b"%b [%b] %d#%d: %b" % (
            self._time(),
            _LABELS[level],
            os.getpid(),
            threading.get_native_id(),
            number,
        )

    def _time(self) -> bytes:
        second = int(self._wall())
        if self._stamp[0] != second:
            text = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(second))
            self._stamp = (second, text.encode())
        return self._stamp[1]


class AccessLog:
    """An access log: ``access_log FILE format [buffer=64k [flush=1s]]``.

    Args:
        file: where its lines go.
        errors: learns of lines that cannot be written.
        clock: the clock that :attr:`deadline` is read on.
        buffer: bytes that are kept before they are written; 0 for none.
        flush: seconds that they are kept at most; 0 for ever.
        gzip: the level that what is written is compressed with; 0 for not at all.

    Attributes:
        deadline: when the owner shall call :meth:`flush`; never, when no line
            is waiting.
    """

    def __init__(
        self,
        file: LogFile | SyslogFile,
        errors: ErrorLog,
        clock: Callable[[], float] = loop_time,
        *,
        buffer: int = 0,
        flush: float = 0,
        gzip: int = 0,
    ) -> None:
        self.deadline = math.inf
        self._file = file
        self._errors = errors
        self._clock = clock
        self._buffer = buffer
        self._delay = flush or math.inf
        self._gzip = gzip
        self._lines: list[bytes] = []
        self._size = 0
        self._failing = False
        self._closed = False

    @property
    def is_kept(self) -> bool:
        """Whether lines wait until they have grown old."""
        return bool(self._buffer) and self._delay != math.inf

    def write(self, line: bytes) -> None:
        """Write or keep *line*, a whole one with its line feed; never raises OSError.

        A line that the buffer cannot hold is not kept.
        """
        if self._closed:
            return
        if self._size + len(line) > self._buffer:
            self.flush()
            if len(line) > self._buffer:
                self._write(line)
                return
        if not self._lines and self._delay != math.inf:
            self.deadline = self._clock() + self._delay
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write what is kept; what cannot be written is lost, and said once."""
        if self._lines:
            data = b"".join(self._lines)
            self._lines.clear()
            self._size = 0
            self.deadline = math.inf
            self._write(data)

    def end(self) -> None:
        """Write what is kept; later lines are ignored."""
        self.flush()
        self._closed = True

    def _write(self, data: bytes) -> None:
        if self._file.fd < 0:
            self._file.append(None, data)
            return
        if self._gzip:
            data = gzip.compress(data, self._gzip, mtime=0)
        try:
            write_all(self._file.fd, data)
            self._failing = False
        except OSError as exc:
            if not self._failing:
                call = f'write() to "{self._file.path}"'
                self._errors.write(ALERT, failed_call(call, exc))
            self._failing = True


def write_all(fd: int, data: bytes) -> None:
    """Write all of *data*, however often it takes; raises OSError."""
    written = os.write(fd, data)
    while written < len(data):
        data = data[written:]
        written = os.write(fd, data)


# The nginx level of a Python level: the first row that it reaches.
_FROM_PYTHON = (
    (logging.CRITICAL, CRIT),
    (logging.ERROR, ERR),
    (logging.WARNING, WARN),
    (logging.INFO, INFO),
    (logging.DEBUG, DEBUG),
)

#: The loggers whose records belong into the error log.
LOGGERS = ("resty_py", "trio")


class ErrorLogHandler(logging.Handler):
    """Writes Python's log records, tracebacks included, into the error log."""

    def __init__(self, log: ErrorLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* at the nginx level that matches its own."""
        try:
            message = _record_text(record).encode(errors="backslashreplace")
            self._log.write(_nginx_level(record.levelno), message)
        except Exception:
            self.handleError(record)


def _nginx_level(level: int) -> int:
    return next((ours for least, ours in _FROM_PYTHON if level >= least), DEBUG)


def _record_text(record: logging.LogRecord) -> str:
    """Return the message; what was raised comes before where, as cuts are behind."""
    text = record.getMessage()
    exc = record.exc_info[1] if record.exc_info else None
    if exc is None:
        return text
    where = "".join(traceback.format_exception(exc)).rstrip()
    return f"{text}: {type(exc).__name__}: {exc}\n{where}"


@contextlib.contextmanager
def route_logging(log: ErrorLog, names: Iterable[str] = LOGGERS) -> Iterator[None]:
    """Send the records of the loggers *names* to *log* for a while.

    The loggers' own levels follow the error log's.
    """
    handler = ErrorLogHandler(log)
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(_python_level(log))
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


def unroute_logging(names: Iterable[str] = LOGGERS) -> None:
    """Send the records of the loggers *names* nowhere: this process is a fork."""
    for name in names:
        logger = logging.getLogger(name)
        for handler in tuple(logger.handlers):
            if isinstance(handler, ErrorLogHandler):
                logger.removeHandler(handler)


def _python_level(log: ErrorLog) -> int:
    wanted = [least for least, ours in _FROM_PYTHON if log.enabled(ours)]
    return min(wanted, default=logging.CRITICAL)
