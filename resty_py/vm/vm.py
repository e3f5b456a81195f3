"""One Lua VM: a lupa runtime made into OpenResty's Lua.

A VM is made in four steps, none of which a user's code can come before:

1. a lupa runtime that hides every Python attribute and speaks bytes;
2. ``lualib/resty_py/boot.lua``, which takes the host functions, turns them
   into plain Lua functions and removes the ``python`` global;
3. the shim, ``lualib/compat``, which gives every flavour one language;
4. ``package.path`` and ``package.cpath``.

A VM is used by one task at a time and never re-entered.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NoReturn

from . import compiled, paths
from .boundary import DEFECT, HostFunctions, guard
from .flavours import Flavour, find_flavour
from .paths import LUALIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

__all__ = ["VM", "LuaError"]


class LuaError(Exception):
    """Lua code failed to load or run; the text is Lua's own message."""


def _refuse_attributes(_obj: object, name: object, _is_set: bool) -> NoReturn:
    raise AttributeError(f"{name!r} is not reachable from Lua")


def _text(exc: BaseException) -> str:
    detail = exc.args[0] if exc.args else ""
    return detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)


class VM:
    """A Lua VM with the shim loaded.

    Args:
        flavour: a Flavour, a flavour's name, or None for the default.
        host: host functions by namespace and name; each is guarded.
        path: folders that come first on ``package.path`` and ``package.cpath``.
        package_path: ``lua_package_path``: where modules are looked for besides
            the runtime's own; ``;;`` stands for the usual trees.
        package_cpath: the same for compiled modules.

    Raises:
        UnknownFlavourError: no such flavour here.
        LuaError: lualib itself failed to load.
    """

    def __init__(
        self,
        flavour: Flavour | str | None = None,
        host: HostFunctions | None = None,
        path: Iterable[Path | str] = (),
        *,
        package_path: str | None = None,
        package_cpath: str | None = None,
    ) -> None:
        if not isinstance(flavour, Flavour):
            flavour = find_flavour(flavour)
        self.flavour = flavour
        self._lua = flavour.runtime_class()(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_refuse_attributes,
        )
        first = list(path)
        boot = self.load_file(LUALIB / "resty_py" / "boot.lua")
        self._check(
            boot,
            self._tables({**(host or {}), "compiled": compiled.functions(flavour)}),
            str(LUALIB).encode(),
            os.fsencode(paths.package_path(flavour, first, package_path)),
            os.fsencode(paths.package_cpath(flavour, first, package_cpath)),
            DEFECT,
        )
        self._require = self.load(b"return (require(...))", "=(require)")

    def load(self, source: bytes, name: str) -> Any:
        """Compile *source* under chunk name *name* (``@file``, ``=text``).

        Returns the chunk, a callable Lua function. Raises LuaError.
        """
        return self._check(self._lua.compile, source, name=name.encode())

    def load_file(self, path: Path) -> Any:
        """Compile the file at *path*, which may begin with a ``#`` line.

        Raises OSError or LuaError.
        """
        source = path.read_bytes()
        if source.startswith(b"#"):
            source = source[source.find(b"\n") :] if b"\n" in source else b""
        return self.load(source, f"@{path}")

    def run(self, source: bytes, *args: Any, name: str = "=(python)") -> Any:
        """Compile and call *source* with *args* outside any light thread."""
        return self._check(self.load(source, name), *args)

    def require(self, module: str) -> Any:
        """Return the Lua module *module*, loading it where needed."""
        return self._check(self._require, module.encode())

    def call(self, function: Any, *args: Any) -> Any:
        """Call a Lua function outside any light thread; raises LuaError."""
        return self._check(function, *args)

    def table(self, items: Mapping[Any, Any]) -> Any:
        """Return a Lua table of *items*, which are plain values or tables."""
        return self._lua.table_from(items)

    def _tables(self, host: HostFunctions) -> Any:
        return self._lua.table_from(
            {
                space.encode(): self._functions(functions)
                for space, functions in host.items()
            }
        )

    def _functions(self, functions: Mapping[str, Callable[..., Any]]) -> Any:
        return self._lua.table_from(
            {name.encode(): guard(function) for name, function in functions.items()}
        )

    @staticmethod
    def _check(function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as exc:
            if type(exc).__name__ not in ("LuaError", "LuaSyntaxError"):
                raise
            raise LuaError(_text(exc)) from None
