"""What a process is called where processes are listed: ``ngx_setproctitle``.

The kernel shows what is where the arguments of the process were, and goes on
into the environment behind them if the last byte of the arguments is no NUL. So
that libc does not read a title as its environment, it is given one elsewhere
before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

__all__ = ["set_title"]

#: ``prctl`` operation that sets the name of a thread, and its longest value.
PR_SET_NAME = 15
MAX_NAME = 15

#: Where ``/proc/PID/stat`` tells arg_start, arg_end and env_end, behind the name.
_ARGUMENTS, _ARGUMENTS_END, _ENVIRONMENT_END = 45, 46, 48


class _Area:
    """The memory of this process's arguments and first environment."""

    def __init__(self) -> None:
        self.start, self.size = 0, 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            self.start, self.size = _find()
        if self.size:
            for name, value in list(os.environb.items()):
                os.environb[name] = value

    def write(self, title: bytes) -> None:
        """Put *title* there, cut if it does not fit."""
        if self.size:
            data = title[: self.size - 1].ljust(self.size, b"\0")
            ctypes.memmove(self.start, data, self.size)


def _find() -> tuple[int, int]:
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b") ")[2].split()
    start, end = int(fields[_ARGUMENTS]), int(fields[_ARGUMENTS_END])
    return start, max(end, int(fields[_ENVIRONMENT_END])) - start if start else 0


_area: _Area | None = None


def set_title(name: str, title: str) -> None:
    """Be called ``NAME: TITLE``; nothing happens where that cannot be.

    Args:
        name: that of the program.
        title: what this process of it does.
    """
    global _area
    if _area is None:
        _area = _Area()
    _area.write(os.fsencode(f"{name}: {title}"))
    with contextlib.suppress(OSError, AttributeError):
        text = name.encode()[:MAX_NAME]
        ctypes.CDLL(None).prctl(PR_SET_NAME, ctypes.c_char_p(text), 0, 0, 0)
