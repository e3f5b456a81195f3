"""What Lua is doing when it does not come back.

LuaJIT's debug hook belongs to the whole VM and may be set by any thread at any
time. It is called at the next instruction of whatever runs, and there the stack
can be read. Compiled code does not look for hooks: of an endless loop that
LuaJIT has compiled nothing can be said but that. On the other flavours a hook
belongs to one coroutine, and which one runs is not to be known from outside.

Source: ``lua_sethook`` in lj_debug.c and lj_api.c.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..vm import VM

__all__ = ["Lookout"]

#: Seconds within which what is not compiled comes by the hook.
PATIENCE = 0.2

#: ``LUA_MASKCALL``, ``LUA_MASKCOUNT`` and the instructions between two calls.
_MASK, _COUNT = 1 | 8, 1

_HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

NOT_KNOWN = "what it does is not to be known on this Lua"
COMPILED = (
    "it runs in code that LuaJIT has compiled, or waits for the system: jit.off() "
    "would show where"
)


class Lookout:
    """Looks at a VM from another thread.

    Args:
        vm: the VM; this is called by the one that runs it.
    """

    def __init__(self, vm: VM) -> None:
        self._found = threading.Event()
        self._text = b""
        self._library: Any = None
        if vm.flavour.name == "luajit21":
            path = importlib.import_module(f"lupa.{vm.flavour.name}").__file__
            library = ctypes.CDLL(path)
            library.lua_tolstring.restype = ctypes.c_char_p
            for name in ("lua_sethook", "luaL_traceback", "lua_settop"):
                getattr(library, name).restype = None
            address = vm.require("resty_py.anchor")[b"address"]
            self._library = library
            self._state = ctypes.c_void_p(int(address))
            # Kept as long as the VM may call it.
            self._hook = _HOOK(self._note)

    def look(self) -> str:
        """Return where Lua is, its stack in Lua's words, or why not; takes a while."""
        self.begin()
        self._found.wait(PATIENCE)
        return self.end()

    def begin(self) -> None:
        """Have the stack read as soon as it can be."""
        self._found.clear()
        if self._library is None:
            self._found.set()
        else:
            self._library.lua_sethook(self._state, self._hook, _MASK, _COUNT)

    def end(self) -> str:
        """Return what has been read since :meth:`begin`, as :meth:`look` does."""
        if self._library is None:
            return NOT_KNOWN
        if not self._found.is_set():
            self._library.lua_sethook(self._state, _HOOK(0), 0, 0)
            return COMPILED
        return self._text.decode(errors="replace")

    def _note(self, state: int, _activation: int) -> None:
        """Read the stack: this is the hook, in the thread that runs Lua."""
        library, running = self._library, ctypes.c_void_p(state)
        library.lua_sethook(running, _HOOK(0), 0, 0)
        library.luaL_traceback(running, running, None, 0)
        self._text = library.lua_tolstring(running, -1, None) or b""
        library.lua_settop(running, -2)
        self._found.set()
