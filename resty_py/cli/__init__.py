"""The command line: one file per subcommand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .heritage import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``resty-py`` with *argv*, or the process's own, and return its exit code.

    Raises:
        SystemExit: with code 0, after ``--help`` and its like.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # Each command is read when it is run: they need different parts.
    if words[:1] == ["nginx"]:
        from . import nginx

        settle()
        return nginx.main(words[1:])
    if words[:1] == ["test"]:
        from . import test

        return test.main(words[1:])
    if words[:1] == ["run"]:
        from . import run

        return run.main(words[1:])
    if words and words[0].startswith("-") and _has_code(words):
        from . import run

        return run.main(words)
    from . import app

    settle()
    return app.main(words)


def _has_code(words: Sequence[str]) -> bool:
    """Tell whether ``-e`` is among the options: those of ``run`` are meant."""
    return words[0].startswith("-e") or "-e" in words
