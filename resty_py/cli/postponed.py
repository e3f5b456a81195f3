"""Modules that are imported when something in them is first used.

``importlib.util.LazyLoader`` is made for this, but before Python 3.14 a second
``import`` of a module that it has put off brings it in.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["postpone"]


class _Postponed(ModuleType):
    """Stands for a module until something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        own = self.__name__
        if sys.modules.get(own) is self:
            del sys.modules[own]
        module = importlib.import_module(own)
        # Who holds this one finds things as quickly as in the module itself.
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


def postpone(names: Iterable[str]) -> None:
    """Have modules imported late, those that nobody has imported yet."""
    for name in names:
        sys.modules.setdefault(name, _Postponed(name))
