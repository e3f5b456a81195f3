"""Compiled Lua modules, such as ``lpeg.so``: what they need of the process.

A module names no Lua library; it takes the functions of Lua's C API from
whatever the process shows to all. lupa's extension modules have them, each for
its own flavour, and keep them to themselves. So:

Rules:

1. The first module that is opened makes its flavour's functions visible to all
   (:func:`prepare`). Nothing is done for programs that open none.
2. There is one such flavour in a process. Modules of a second one would call
   the first one's functions, and are refused.
3. From then on, other flavours' extensions are opened so that they look into
   themselves first (:func:`import_extension`): they would call the first one's
   functions, too.
4. A module that asks for functions that its flavour does not have, is linked to
   another Lua, or lies in the folder of another version was built for another
   one. It is refused, since it would crash the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import re
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import elf
from .boundary import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .flavours import Flavour

__all__ = ["functions", "import_extension"]

_API = re.compile(r"lua(?:L|JIT|open)?_[A-Za-z]")
_LINKED = re.compile(r"liblua(?:jit-)?-?(5)\.?([1-5])")
_FOLDER = re.compile(r"/lua/(5\.[1-5])/")

_INDEX_UP_TO_54 = struct.pack("=i", -1001000)
_INDEX_SINCE_55 = struct.pack("=i", -(2**30 - 1 + 1000))

_lock = threading.Lock()

#: The one flavour with compiled modules, once there is one.
_visible: list[Flavour] = []


def functions(flavour: Flavour) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``compiled`` of a VM of *flavour*."""
    return {
        "prepare": functools.partial(prepare, flavour),
        "prefers_cjson": lambda: os.environ.get("RESTY_PY_CJSON") == "compiled",
    }


def import_extension(name: str) -> Any:
    """Import lupa's extension module of the flavour called *name*.

    Raises:
        ImportError: there is none.
    """
    with _lock, _looking_into_itself():
        return importlib.import_module(f"lupa.{name}")


@contextlib.contextmanager
def _looking_into_itself() -> Iterator[None]:
    """Have a library that is opened prefer its own functions, where it matters."""
    if not _visible:
        yield
        return
    flags = sys.getdlopenflags()
    # Not every C library knows the flag.
    deep: int = getattr(os, "RTLD_DEEPBIND", 0)
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_LOCAL | deep)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


def prepare(flavour: Flavour, path: bytes) -> bool:
    """Make ready for a compiled module, if *path* is one.

    What is no ELF file, or asks for nothing of Lua, is left to the linker. One
    that ends too early is not: the linker would crash the process.

    Raises:
        HostError: it cannot be used by *flavour* in this process.
    """
    path = path.partition(b"\0")[0]  # as C reads it
    try:
        library = elf.read(path)
    except OSError:
        return True
    except elf.DamagedError:
        raise HostError("the file is cut short or damaged") from None
    asked = {name for name in library.undefined if _API.match(name)} if library else ()
    if library is None or not asked:
        return True
    with _lock:
        _check_version(flavour, path, library.needed)
        _check_index(flavour, path)
        _check_functions(flavour, asked)
        _show(flavour)
    return True


def _check_version(flavour: Flavour, path: bytes, needed: tuple[str, ...]) -> None:
    wanted = flavour.version
    for name in needed:
        linked = _LINKED.match(name)
        if linked and f"{linked[1]}.{linked[2]}" != wanted:
            raise HostError(
                f"it is linked to {name}, and {flavour.language} is another Lua"
            )
    folder = _FOLDER.search(os.fsdecode(os.path.abspath(path)))
    if folder and folder[1] != wanted:
        raise HostError(
            f"it is in a folder of Lua {folder[1]}; {flavour.language} takes modules "
            f"for Lua {wanted}"
        )


def _check_index(flavour: Flavour, path: bytes) -> None:
    """Tell a module for 5.4 from one for 5.5: they ask for the same functions.

    What differs is a number that most modules have in their code, the place of
    the registry: LUA_REGISTRYINDEX. Not all processors have it in one piece.
    """
    if flavour.version == "5.5":
        code = Path(os.fsdecode(path)).read_bytes()
        if _INDEX_UP_TO_54 in code and _INDEX_SINCE_55 not in code:
            raise HostError(
                f"it was built for another Lua: {flavour.language} has its registry "
                "in another place"
            )


def _check_functions(flavour: Flavour, asked: set[str]) -> None:
    own = _extension(flavour).defined
    missing = sorted(asked - own) if "lua_pushnil" in own else []
    if missing:
        raise HostError(
            f"it was built for another Lua: {flavour.language} has no "
            f"{', '.join(missing[:3])}"
        )


def _show(flavour: Flavour) -> None:
    """Make the functions of *flavour* visible to libraries that are opened."""
    if _visible:
        if _visible[0].name != flavour.name:
            raise HostError(
                f"compiled modules are in use for {_visible[0].language} in this "
                f"process, so that {flavour.language} cannot have any"
            )
        return
    extension = _extension(flavour)
    # A lupa that was built without a Lua of its own is linked to one.
    linked = [name for name in extension.needed if _LINKED.match(name)]
    for name in [_file(flavour), *linked]:
        ctypes.CDLL(name, os.RTLD_GLOBAL | os.RTLD_NOW)
    _visible.append(flavour)


def _file(flavour: Flavour) -> str:
    return str(importlib.import_module(f"lupa.{flavour.name}").__file__)


@functools.cache
def _extension(flavour: Flavour) -> elf.Library:
    found = elf.read(_file(flavour))
    return found or elf.Library((), frozenset(), frozenset())
