"""The command line: one file per subcommand."""

from .app import main

__all__ = ["main"]
