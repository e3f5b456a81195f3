"""The boundary between Lua and Python: host functions.

Rules:

1. Only bytes, numbers, booleans, ``None`` and tuples of them cross it. A tuple
   becomes several Lua values. Lua functions cross only where a host function
   documents it.
2. What the user can cause is an answer: a host function returns
   ``(None, b"message")``, or raises :class:`HostError` or ``OSError``, which
   :func:`guard` turns into that answer, the error number third.
3. Anything else is a defect of ours: :func:`guard` logs its traceback and
   hands Lua the mark :data:`DEFECT` with one line of text, which the Lua side
   of the boundary (``lualib/resty_py/boot.lua``) raises as a Lua string error.
   No Python object, an exception least of all, becomes a Lua value.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["DEFECT", "HostError", "HostFunctions", "guard", "strerror"]

logger = logging.getLogger("resty_py.host")

#: First value of an answer that Lua must raise. It travels among data, so it
#: is one that nobody can send: random, and never shown to Lua code but boot.lua.
DEFECT = b"\0resty_py defect " + os.urandom(16)

#: Host functions by namespace and name, as Lua sees them.
HostFunctions = Mapping[str, Mapping[str, Callable[..., Any]]]


class HostError(Exception):
    """Something the user can cause; Lua gets ``nil`` and this text."""


def strerror(errno: int) -> bytes:
    """Return the text of *errno* as nginx's cosockets print it: lower case."""
    return os.strerror(errno).lower().encode()


def guard(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a host function so that no exception crosses into Lua."""

    @functools.wraps(function)
    def guarded(*args: Any) -> Any:
        try:
            return function(*args)
        except HostError as exc:
            return None, str(exc).encode()
        except OSError as exc:
            if exc.errno is None:
                return None, str(exc).encode()
            return None, strerror(exc.errno), exc.errno
        except Exception as exc:
            name = getattr(function, "__qualname__", repr(function))
            logger.exception("host function %s failed", name)
            return DEFECT, f"{name}: {type(exc).__name__}: {exc}".encode()

    return guarded
