"""Calls into a VM that others queue for the next turn of its loop.

The bell is an eventfd in the VM's epoll: each ring is a new edge, so nobody reads
it. Arguments are given to Lua where they are queued, so that it is their caller who
is told of one that cannot be. A call that fails is logged, and ends alone.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any

from ..vm import LuaError, to_lua

if TYPE_CHECKING:
    from ..vm import VM

__all__ = ["Bell", "Calls"]

logger = logging.getLogger("resty_py.worker")

#: How many values a call may hand over: less than Lua's C stack takes (8000).
_MAX_VALUES = 4096


class Bell:
    """A descriptor that becomes readable when it is rung.

    Raises:
        OSError: there are no more descriptors.

    Attributes:
        fd: the descriptor; None: closed.
    """

    def __init__(self) -> None:
        self.fd: int | None = _eventfd()

    def ring(self) -> None:
        """Wake whoever waits; nobody does once it is closed."""
        if self.fd is not None:
            os.eventfd_write(self.fd, 1)

    def renew(self) -> None:
        """Be another one under the same number: this process is a fork."""
        assert self.fd is not None
        fresh = _eventfd()
        os.dup2(fresh, self.fd, inheritable=False)
        os.close(fresh)

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def _eventfd() -> int:
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


class Calls:
    """The calls that wait.

    Args:
        vm: where they go.
        bell: rung for each.

    Attributes:
        waiting: functions and their arguments, in order.
    """

    def __init__(self, vm: VM, bell: Bell) -> None:
        self._vm = vm
        self._bell = bell
        self.waiting: deque[tuple[Any, list[Any]]] = deque()

    def put(self, function: Any, *args: Any) -> None:
        """Queue a call of a Lua function.

        Raises:
            TypeError, ValueError, OverflowError: an argument cannot be given to
                Lua.
        """
        if len(args) > _MAX_VALUES:
            raise ValueError("too many values for Lua")
        self.waiting.append((function, [to_lua(self._vm, arg) for arg in args]))
        self._bell.ring()

    def make(self) -> None:
        """Make all that wait; from the loop."""
        while self.waiting:
            function, args = self.waiting.popleft()
            try:
                self._vm.call(function, *args)
            except LuaError:
                logger.exception("a call into Lua failed")
