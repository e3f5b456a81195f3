"""Going into the background: ``ngx_daemon``.

Unlike nginx, the process in front waits until the one behind says that it
serves, so that its exit code tells, and the pid file is there.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .log import EMERG, failed_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .process_log import Reporter

__all__ = ["detach"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def detach(log: Reporter) -> Callable[[], None] | None:
    """Go on in a fork of this process, in a session of its own.

    The process in front ends here, with code 0 if the fork says that it is
    ready, else with 1.

    Args:
        log: is told what fails.

    Returns:
        What says that the fork is ready, or None if there could be no fork.
    """
    read_fd, write_fd = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pid = os.fork()
    except OSError as exc:
        log.write(EMERG, failed_call("fork()", exc))
        return None
    if pid != 0:
        os.close(write_fd)
        # Nothing is cleaned up: the fork has it all.
        os._exit(0 if os.read(read_fd, 1) else 1)
    os.close(read_fd)
    os.setsid()
    os.umask(0)
    _to_null()

    def ready() -> None:
        os.write(write_fd, b"\n")
        os.close(write_fd)

    return ready


def _to_null() -> None:
    """Read from and print into nowhere; stderr becomes the error log's."""
    fd = os.open(os.devnull, os.O_RDWR)
    os.dup2(fd, _STDIN)
    os.dup2(fd, _STDOUT)
    if fd > _STDERR:
        os.close(fd)
