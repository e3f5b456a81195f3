"""What a server has from whoever starts it, made what it relies on.

1. Descriptors 0 to 2 are open: else a log or a socket would get such a number, and
   whatever is printed would go there.
2. Children are waited for: who ignores SIGCHLD hands that on, and the kernel would
   forget how they ended.
3. No signal is blocked.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["settle"]

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def settle() -> None:
    """See to all of it; where it is so already, as mostly, change nothing."""
    for fd, (name, mode) in enumerate(_STREAMS):
        if not _is_open(fd):
            # The lowest number that is free is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, mode, closefd=False))
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
