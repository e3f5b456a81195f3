"""Lua flavours: which Lua languages lupa brings, and the one to use by default.

A flavour is a name (``luajit21``, ``lua51`` … ``lua55``) for one of lupa's
extension modules. Each has its own ``LuaRuntime`` class; only LuaJIT has FFI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .compiled import import_extension

__all__ = ["FLAVOURS", "Flavour", "UnknownFlavourError", "find_flavour"]


class UnknownFlavourError(ValueError):
    """The flavour has no such name, or this platform's lupa lacks it."""


_VERSIONS = {"lua52": "5.2", "lua53": "5.3", "lua54": "5.4", "lua55": "5.5"}


@dataclass(frozen=True)
class Flavour:
    """One Lua language.

    Attributes:
        name: as given to ``--lua``.
        language: what the user calls it, for messages.
        has_ffi: whether ``require "ffi"`` can work.
    """

    name: str
    language: str
    has_ffi: bool = False

    @property
    def version(self) -> str:
        """The version of Lua whose compiled modules it takes, such as ``5.4``."""
        return _VERSIONS.get(self.name, "5.1")

    def runtime_class(self) -> Any:
        """Return lupa's ``LuaRuntime`` class of this flavour.

        Raises:
            UnknownFlavourError: this platform's lupa was built without it.
        """
        try:
            return import_extension(self.name).LuaRuntime
        except ImportError as exc:
            raise UnknownFlavourError(
                f"this platform's lupa has no {self.language} ({self.name})"
            ) from exc


#: Every flavour by name, in order of preference.
FLAVOURS: dict[str, Flavour] = {
    flavour.name: flavour
    for flavour in (
        Flavour("luajit21", "LuaJIT 2.1", has_ffi=True),
        Flavour("lua51", "Lua 5.1"),
        Flavour("lua52", "Lua 5.2"),
        Flavour("lua53", "Lua 5.3"),
        Flavour("lua54", "Lua 5.4"),
        Flavour("lua55", "Lua 5.5"),
    )
}


def find_flavour(name: str | None = None) -> Flavour:
    """Return the flavour called *name*, or the best one that lupa has here.

    Raises:
        UnknownFlavourError: no flavour has that name, or none is available.
    """
    if name is None:
        return _first_available()
    try:
        return FLAVOURS[name]
    except KeyError:
        raise UnknownFlavourError(
            f'unknown Lua flavour "{name}" (choose from {", ".join(FLAVOURS)})'
        ) from None


def _first_available() -> Flavour:
    for flavour in FLAVOURS.values():
        try:
            flavour.runtime_class()
        except UnknownFlavourError:
            continue
        return flavour
    raise UnknownFlavourError("this platform's lupa has no Lua flavour at all")
