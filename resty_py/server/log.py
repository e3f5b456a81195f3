"""The error log and the access log, in nginx's formats.

Rules:

1. A log never raises into the worker: what cannot be written is lost.
2. A line leaves in one write to a descriptor opened for appending, so lines of
   several workers do not mix.
3. A log file that cannot be opened again is kept as it was.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "LEVELS",
    "AccessLog",
    "ErrorLog",
    "ErrorLogHandler",
    "find_level",
    "route_logging",
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

# nginx leaves the label of level stderr empty.
_LABELS = tuple(b"" if name == "stderr" else name.encode() for name in LEVELS)

# Devices that cannot always be opened by name: a socket, for one.
_STANDARD_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}


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


def _errno_text(exc: OSError) -> str:
    return f"({exc.errno}: {exc.strerror})"


def _open(path: Path) -> int:
    stream = _STANDARD_STREAMS.get(str(path))
    if stream is not None:
        return os.dup(stream)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    return os.open(path, flags, FILE_MODE)


class ErrorLog:
    """nginx's error log: ``ngx_log_error_core``.

    Args:
        path: the file, or None for stderr.
        level: what is written: this level and the more severe ones.
        wall: the wall clock, in seconds since the epoch.

    Attributes:
        level: its number; may be changed at any time.

    Raises:
        OSError: the file cannot be opened.
        ValueError: there is no such level.
    """

    def __init__(
        self,
        path: Path | None,
        level: str | int = "error",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.level = find_level(level)
        self._path = Path("/dev/stderr") if path is None else path
        self._wall = wall
        self._stamp = (-1, b"")
        self._fd = _open(self._path)

    def enabled(self, level: int) -> bool:
        """Tell whether lines of *level* are written."""
        return level <= self.level

    def write(self, level: int, message: bytes, connection: int | None = None) -> None:
        """Write one line, cut at :data:`MAX_ERROR_STR`; never raises OSError.

        Args:
            level: ``ngx.STDERR`` to ``ngx.DEBUG``.
            message: as it shall be read, line feeds included.
            connection: the serial number of the client connection.
        """
        if level > self.level:
            return
        line = self._head(level, connection) + message
        with contextlib.suppress(OSError):
            os.write(self._fd, line[: MAX_ERROR_STR - 1] + b"\n")

    def reopen(self) -> None:
        """Open the file again, for log rotation: ``nginx -s reopen``."""
        try:
            fd = _open(self._path)
        except OSError as exc:
            text = f'open() "{self._path}" failed {_errno_text(exc)}'
            self.write(EMERG, os.fsencode(text))
            return
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Close the file; the log is not used any more."""
        os.close(self._fd)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``log``."""
        return {"write": self.write, "level": lambda: self.level}

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
    """A buffered access log: ``access_log FILE buffer=64k flush=1s``.

    Args:
        path: the file, or None for ``access_log off``.
        errors: learns of lines that cannot be written.
        clock: the clock that :attr:`deadline` is read on.

    Attributes:
        deadline: when the owner shall call :meth:`flush`; never, when no line
            is waiting.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(
        self,
        path: Path | None,
        errors: ErrorLog,
        clock: Callable[[], float] = trio.current_time,
    ) -> None:
        self.deadline = math.inf
        self._path = path
        self._errors = errors
        self._clock = clock
        self._lines: list[bytes] = []
        self._size = 0
        self._failing = False
        self._fd = None if path is None else _open(path)

    def write(self, line: bytes) -> None:
        """Keep *line*, a whole one with its line feed; never raises OSError."""
        if self._fd is None:
            return
        if self._size + len(line) > ACCESS_LOG_BUFFER:
            self.flush()
        if not self._lines:
            self.deadline = self._clock() + ACCESS_LOG_FLUSH
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write what is kept; what cannot be written is lost, and said once."""
        if self._fd is None or not self._lines:
            return
        data = b"".join(self._lines)
        self._lines.clear()
        self._size = 0
        self.deadline = math.inf
        try:
            _write_all(self._fd, data)
            self._failing = False
        except OSError as exc:
            self._complain(exc)

    def reopen(self) -> None:
        """Write what is kept, then open the file again for log rotation."""
        if self._path is None or self._fd is None:
            return
        self.flush()
        try:
            fd = _open(self._path)
        except OSError as exc:
            text = f'open() "{self._path}" failed {_errno_text(exc)}'
            self._errors.write(EMERG, os.fsencode(text))
            return
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Write what is kept and close the file; later lines are ignored."""
        if self._fd is not None:
            self.flush()
            os.close(self._fd)
            self._fd = None

    def _complain(self, exc: OSError) -> None:
        if not self._failing:
            text = f'write() to "{self._path}" failed {_errno_text(exc)}'
            self._errors.write(ALERT, os.fsencode(text))
        self._failing = True


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


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


def _python_level(log: ErrorLog) -> int:
    wanted = [least for least, ours in _FROM_PYTHON if log.enabled(ours)]
    return min(wanted, default=logging.CRITICAL)
