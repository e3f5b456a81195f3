"""Packages whose names are imported when they are asked for.

A short Lua program starts in less time than it takes to import what serves
HTTP, so a package that has both lets its names come late (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["lazy_names"]


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for *package*.

    Args:
        package: its name.
        modules: name of an attribute -> module that has it, relative to
            *package*.
    """

    def get_attribute(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name], package), name)

    return get_attribute
