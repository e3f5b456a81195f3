"""Cases: a piece of Lua, and what it must say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat_servers import WebServer
    from compat_wire import Answer

__all__ = ["EVALUATE", "Case", "evaluate"]

#: The app that runs cases.
EVALUATE = Path(__file__).parent / "apps" / "evaluate.lua"


@dataclass(frozen=True)
class Case:
    """A piece of Lua and what it must say.

    Attributes:
        name: the test's name.
        code: Lua that calls ``say`` (apps/evaluate.lua).
        lines: what it says, a line for each call.
    """

    name: str
    code: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return the name, for pytest."""
        return self.name


def evaluate(server: WebServer, code: str) -> Answer:
    """Have *server*, which serves :data:`EVALUATE`, run *code*."""
    return server.ask("/", code.encode())
