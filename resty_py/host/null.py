"""``ngx.null`` for flavours whose Lua code cannot make a NULL light userdata.

A light userdata comes only from Lua's C API, and no standard function makes
one that is NULL. lupa's extension modules export that API, though, and Lua
shows the address of a coroutine's state, so two of its functions can be
called from here: one pushes NULL on the coroutine's stack, the other moves it
into an upvalue of the function at the bottom of it.
"""

from __future__ import annotations

import ctypes
import importlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..vm import Flavour

__all__ = ["functions"]

_THREAD = re.compile(rb"thread: (0x[0-9a-fA-F]+)\Z")


def functions(flavour: Flavour) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``null`` of a VM of *flavour*.

    It is empty where *flavour*'s extension hides Lua's C API.
    """
    extension = importlib.import_module(f"lupa.{flavour.name}")
    # PyDLL: the VM must not be left to another thread in between.
    api = ctypes.PyDLL(str(extension.__file__))
    try:
        push, set_upvalue = api.lua_pushlightuserdata, api.lua_setupvalue
    except AttributeError:
        return {}
    push.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    push.restype = None
    set_upvalue.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    set_upvalue.restype = ctypes.c_char_p

    def set_null(thread: bytes) -> None:
        """Set the first upvalue of a new coroutine's function to NULL.

        Args:
            thread: ``tostring(coroutine)``; the coroutine has not run yet.

        Raises:
            ValueError: *thread* is no such text.
        """
        found = _THREAD.match(thread)
        if found is None:
            raise ValueError(f"not the text of a coroutine: {thread!r}")
        state = int(found[1], 16)
        push(state, None)
        set_upvalue(state, 1, 1)

    return {"set_upvalue": set_null}
