"""The pid file: ``ngx_create_pidfile``, ``ngx_delete_pidfile``, ``ngx_signal_process``.

What fails is told to a log in nginx's words.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

from .log import ALERT, EMERG, ERR, FILE_MODE, failed_call

if TYPE_CHECKING:
    from .process_log import Reporter

__all__ = ["COMMANDS", "create", "probe", "remove", "send"]

#: What ``-s`` sends.
COMMANDS = {
    "stop": signal.SIGTERM,
    "quit": signal.SIGQUIT,
    "reopen": signal.SIGUSR1,
    "reload": signal.SIGHUP,
}

#: The most that is read of a pid file: NGX_INT64_LEN + 2.
MAX_SIZE = 22

#: The largest number that nginx reads: NGX_MAX_INT_T_VALUE.
MAX_NUMBER = (1 << 63) - 1


def create(path: str, log: Reporter) -> bool:
    """Write this process's id into the file; tell whether that went well."""
    return _write(path, os.O_TRUNC, b"%d\n" % os.getpid(), log)


def probe(path: str, log: Reporter) -> bool:
    """Tell whether the file could be written; leave what is in it: ``nginx -t``."""
    return _write(path, 0, b"", log)


def _write(path: str, flags: int, text: bytes, log: Reporter) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, FILE_MODE)
    except OSError as exc:
        log.write(EMERG, failed_call(f'open() "{path}"', exc))
        return False
    try:
        os.write(fd, text)
    except OSError as exc:
        log.write(EMERG, failed_call(f'pwrite() "{path}"', exc))
        return False
    finally:
        os.close(fd)
    return True


def remove(path: str, log: Reporter) -> None:
    """Delete the file."""
    try:
        os.unlink(path)
    except OSError as exc:
        log.write(ALERT, failed_call(f'unlink() "{path}"', exc))


def send(path: str, command: str, log: Reporter) -> bool:
    """Signal the process in the file; tell whether that went well.

    Args:
        path: the pid file.
        command: a key of :data:`COMMANDS`.
        log: is told what goes wrong.
    """
    pid = _read(path, log)
    if pid is None:
        return False
    failure = _kill(pid, COMMANDS[command])
    if failure is not None:
        call = f"kill({pid}, {COMMANDS[command].value})"
        log.write(ALERT, failed_call(call, failure))
    return failure is None


def _kill(pid: int, number: int) -> OSError | None:
    try:
        os.kill(pid, number)
    except OSError as exc:
        return exc
    except OverflowError:
        return ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return None


def _read(path: str, log: Reporter) -> int | None:
    try:
        with open(path, "rb", buffering=0) as file:
            text = (file.read(MAX_SIZE) or b"").rstrip(b"\r\n")
    except OSError as exc:
        log.write(ERR, failed_call(f'open() "{path}"', exc))
        return None
    # nginx takes 0 as well, which is whoever started the command.
    if text.isdigit() and 0 < int(text) < MAX_NUMBER:
        return int(text)
    log.write(ERR, b'invalid PID number "%b" in "%b"' % (text, os.fsencode(path)))
    return None
