"""The command line: one file per subcommand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

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

        return nginx.main(words[1:])
    if words[:1] == ["test"]:
        from . import test

        return test.main(words[1:])
    from . import app

    return app.main(words)
