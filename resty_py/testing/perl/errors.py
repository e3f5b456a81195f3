"""What the evaluator of Perl raises."""

from __future__ import annotations

from typing import Any

__all__ = ["DieError", "PerlError", "UnsupportedError"]


class PerlError(Exception):
    """A piece of Perl gave no value; the text says why."""


class UnsupportedError(PerlError):
    """The evaluator does not know something that Perl knows."""


class DieError(PerlError):
    """Perl code died.

    Attributes:
        value: what ``$@`` is to be.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(str(value))
        self.value = value
