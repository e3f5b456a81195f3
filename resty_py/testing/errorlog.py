"""The checks of the error log.

Follows Test::Nginx::Socket:

1. Each pattern of ``error_log`` is to match a line, each of ``no_error_log``
   none; a text is looked for as it is. A text section has one on each line.
2. ``grep_error_log_out`` is all that ``grep_error_log`` matches, one match for
   each line; a list has one value for each repetition.
3. A line that says an assertion failed fails the block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .checks import Check, like
from .perl import PerlError, Regex, as_regex, quote
from .perl.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .suite import Block

__all__ = ["check_error_log", "check_shutdown_log"]

_ASSERTION = re.compile(r"\bAssertion .*? failed\.$")


def check_error_log(
    block: Block, lines: Sequence[str], repetition: int
) -> Iterator[Check]:
    """Check the lines that a repetition left.

    Raises:
        BlockError: a section has no value.
    """
    try:
        yield from _check_grep(block, lines, repetition)
        yield from _check_present(block.value("error_log"), lines)
        yield from _check_absent(block.value("no_error_log"), lines)
    except PerlError as exc:
        yield Check(False, f"error log: {exc}")
    for line in lines:
        if _ASSERTION.search(line):
            yield Check(False, line.strip())


def check_shutdown_log(block: Block, lines: Sequence[str]) -> Iterator[Check]:
    """Check the lines that the end of the server left.

    Raises:
        BlockError: a section has no value.
    """
    yield from _check_present(block.value("shutdown_error_log"), lines)
    yield from _check_absent(block.value("no_shutdown_error_log"), lines)


def _patterns(value: Any) -> list[Any]:
    """Return the patterns of a section: texts and regular expressions."""
    if isinstance(value, Regex):
        return [value]
    if isinstance(value, list):
        return value
    lines = text(value).rstrip("\n")
    return list(re.split(r"\n+", lines)) if lines else []


def _regex(pattern: Any) -> Regex:
    return pattern if isinstance(pattern, Regex) else Regex(quote(text(pattern)))


def _matches(pattern: Any, line: str) -> bool:
    if isinstance(pattern, Regex):
        return pattern.search(line) is not None
    return text(pattern) in line


def _check_present(value: Any, lines: Sequence[str]) -> Iterator[Check]:
    if value is None:
        return
    for pattern in _patterns(value):
        if pattern is None:
            continue
        name = f'pattern "{text(pattern)}" should match a line in error.log'
        yield Check(any(_matches(pattern, line) for line in lines), name)


def _check_absent(value: Any, lines: Sequence[str]) -> Iterator[Check]:
    if value is None:
        return
    for pattern in _patterns(value):
        if pattern is None:
            continue
        name = f'pattern "{text(pattern)}" should not match any line in error.log'
        line = next((line for line in lines if _matches(pattern, line)), None)
        yield Check(
            line is None, name if line is None else f"{name} but matches {line}"
        )


def _check_grep(block: Block, lines: Sequence[str], repetition: int) -> Iterator[Check]:
    pattern = _for_repetition(block.value("grep_error_log"), repetition)
    if pattern is None:
        return
    expected = _for_repetition(block.value("grep_error_log_out"), repetition)
    matches = (as_regex(_regex(pattern)).search(line) for line in lines)
    found = [match.group() or "" for match in matches if match]
    got = "".join(one if "\n" in one else f"{one}\n" for one in found)
    name = f"grep_error_log_out (req {repetition})"
    if isinstance(expected, Regex):
        yield like(got, expected, name)
    else:
        yield Check(got == text(expected), name, got, text(expected))


def _for_repetition(value: Any, repetition: int) -> Any:
    if not isinstance(value, list):
        return value
    return value[repetition] if repetition < len(value) else None
