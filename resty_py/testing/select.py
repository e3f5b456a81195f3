"""Which blocks ``-k`` selects: words, ``and``, ``or``, ``not``, parentheses.

A word, or a quoted text, selects a block whose file or name has it, whatever the
case of letters. A number selects the block ``TEST number``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .suite import Block

__all__ = ["SelectionError", "label", "selector"]

_TOKEN = re.compile(r"\s*(?:(\()|(\))|\"([^\"]*)\"|'([^']*)'|([^\s()]+))")
_LABEL = re.compile(r"TEST (\d+)\b")


class SelectionError(Exception):
    """An expression is none; the text says what is wrong."""


def label(block: Block) -> str:
    """Return the number by which a block calls itself, or else its place."""
    match = _LABEL.match(block.name)
    return match[1] if match else str(block.number)


def selector(expression: str) -> Callable[[Block], bool]:
    """Return what tells whether an expression selects a block.

    Raises:
        SelectionError: it is no expression.
    """
    parser = _Parser(expression)
    predicate = parser.alternatives()
    if parser.token is not None:
        raise SelectionError(f"unexpected {parser.token} in {expression}")
    return predicate


class _Parser:
    """Reads an expression."""

    def __init__(self, expression: str) -> None:
        self._tokens = _TOKEN.finditer(expression.strip())
        self.token: str | None = None
        self._is_quoted = False
        self._advance()

    def _advance(self) -> None:
        match = next(self._tokens, None)
        groups = match.groups() if match else ()
        self.token = next((group for group in groups if group is not None), None)
        self._is_quoted = bool(match and (match[3] or match[4]))

    def _accept(self, word: str) -> bool:
        found = self.token == word and not self._is_quoted
        if found:
            self._advance()
        return found

    def alternatives(self) -> Callable[[Block], bool]:
        choices = [self._conjunction()]
        while self._accept("or"):
            choices.append(self._conjunction())
        return lambda block: any(choice(block) for choice in choices)

    def _conjunction(self) -> Callable[[Block], bool]:
        parts = [self._negation()]
        while self._accept("and"):
            parts.append(self._negation())
        return lambda block: all(part(block) for part in parts)

    def _negation(self) -> Callable[[Block], bool]:
        if self._accept("not"):
            inner = self._negation()
            return lambda block: not inner(block)
        if self._accept("("):
            inner = self.alternatives()
            if not self._accept(")"):
                raise SelectionError("no )")
            return inner
        return self._word()

    def _word(self) -> Callable[[Block], bool]:
        word = self.token
        if word is None:
            raise SelectionError("the expression has no end")
        is_number = word.isdigit() and not self._is_quoted
        self._advance()
        if is_number:
            return lambda block: label(block) == word
        wanted = word.lower()
        return lambda block: wanted in f"{block.suite.path}: {block.name}".lower()
