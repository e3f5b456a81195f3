"""A small evaluator of Perl: what test files say outside their data."""

from __future__ import annotations

from .errors import DieError, PerlError, UnsupportedError
from .interpreter import Interpreter
from .regex import Match, Regex, as_regex, quote

__all__ = [
    "DieError",
    "Interpreter",
    "Match",
    "PerlError",
    "Regex",
    "UnsupportedError",
    "as_regex",
    "quote",
]
