"""A mutex in shared memory that outlives its owners: pthread's, robust.

The C library's functions are called through ctypes, which lets go of Python's
lock meanwhile: another thread may hold the mutex and need that to go on.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
import types
from typing import Any

__all__ = ["SIZE", "Mutex"]

#: Bytes that are set aside for one: more than any platform's takes.
SIZE = 128

_PROCESS_SHARED = 1
_ROBUST = 1
_ERROR_CHECK = 1 if sys.platform == "darwin" else 2
_ATTRIBUTES_SIZE = 64

_UNARY = ("mutexattr_init", "mutexattr_destroy", "mutex_lock", "mutex_unlock")


@functools.cache
def _library() -> Any:
    library = ctypes.CDLL(None)
    calls = types.SimpleNamespace()
    for name in _UNARY:
        function = getattr(library, f"pthread_{name}")
        function.argtypes = (ctypes.c_void_p,)
        setattr(calls, name, function)
    calls.mutex_init = library.pthread_mutex_init
    calls.mutex_init.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    for name in ("setpshared", "settype", "setrobust"):
        # macOS has no robust mutexes.
        function = getattr(library, f"pthread_mutexattr_{name}", None)
        if function is not None:
            function.argtypes = (ctypes.c_void_p, ctypes.c_int)
        setattr(calls, name, function)
    calls.consistent = getattr(library, "pthread_mutex_consistent", None)
    if calls.consistent is not None:
        calls.consistent.argtypes = (ctypes.c_void_p,)
    return calls


class Mutex:
    """The mutex at *address*.

    Attributes:
        lock: takes it; returns an error number: 0, EOWNERDEAD (it is taken, and
            the last owner died with it), EDEADLK (this thread has it already).
        unlock: gives it back.
    """

    def __init__(self, address: int) -> None:
        library = _library()
        self._address = address
        self._library = library
        self.lock = functools.partial(library.mutex_lock, address)
        self.unlock = functools.partial(library.mutex_unlock, address)

    def create(self) -> None:
        """Make the bytes at the address a mutex.

        Raises:
            OSError: the system has no such mutexes.
        """
        library = self._library
        attributes = ctypes.create_string_buffer(_ATTRIBUTES_SIZE)
        _check(library.mutexattr_init(attributes))
        _check(library.setpshared(attributes, _PROCESS_SHARED))
        _check(library.settype(attributes, _ERROR_CHECK))
        if library.setrobust is not None:
            _check(library.setrobust(attributes, _ROBUST))
        _check(library.mutex_init(self._address, attributes))
        library.mutexattr_destroy(attributes)

    def recover(self) -> None:
        """Say that what the mutex guards is whole again, if it was not: EOWNERDEAD."""
        if self._library.consistent is not None:
            self._library.consistent(self._address)


def _check(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


#: What :attr:`Mutex.lock` answers when the last owner died with the mutex.
OWNER_DEAD = getattr(errno, "EOWNERDEAD", -1)
