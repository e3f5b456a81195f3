"""What a run says: progress, failures, TAP and JUnit.

A failing block is shown with its request, what differs, the end of the error
log, and the command that runs it alone.
"""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from typing import TYPE_CHECKING, TextIO
from xml.etree import ElementTree

from .runner import Outcome
from .select import label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .checks import Check
    from .runner import Result
    from .schedule import FileResult

__all__ = ["Progress", "explain", "summary", "write_junit", "write_tap"]

#: Lines of the error log and of a difference, and bytes of a request, in a report.
LOG_LINES = 12
DIFF_LINES = 40
REQUEST_BYTES = 800

_SIGNS = {Outcome.PASSED: ".", Outcome.FAILED: "F", Outcome.SKIPPED: "s"}

#: What XML 1.0 has no way to write.
_UNSPEAKABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")


def title(result: Result) -> str:
    """Return how a block is called: its file and its name."""
    return f"{result.block.suite.path}: {result.block.name}"


class Progress:
    """Shows blocks as they end.

    Args:
        stream: where.
        is_verbose: whether each has a line of its own.
    """

    def __init__(self, stream: TextIO, *, is_verbose: bool) -> None:
        self._stream = stream
        self._is_verbose = is_verbose
        self._column = 0

    def take(self, result: Result) -> None:
        """Show the end of a block."""
        if self._is_verbose:
            seconds = f"{result.seconds:.2f}s"
            reason = f" ({result.reason})" if result.reason else ""
            line = f"{result.outcome.value:7} {seconds:>7} {title(result)}{reason}\n"
            self._stream.write(line)
        else:
            self._stream.write(_SIGNS[result.outcome])
            self._column = (self._column + 1) % 80
            if not self._column:
                self._stream.write("\n")
        self._stream.flush()

    def end(self) -> None:
        """End the last line."""
        if self._column:
            self._stream.write("\n")


# Failures --------------------------------------------------------------------


def explain(result: Result, command: Sequence[str]) -> str:
    """Return the report of a failing block.

    Args:
        result: what came of it.
        command: the words before the file in the command that runs it alone.
    """
    return "\n".join(_explanation(result, command)) + "\n"


def _explanation(result: Result, command: Sequence[str]) -> Iterator[str]:
    block = result.block
    yield f"--- {title(result)} (line {block.raw.line})"
    seen: set[str] = set()
    for check in result.failures:
        text = "\n".join(_describe(check))
        if text not in seen:
            yield text
        seen.add(text)
    if result.requests:
        yield "request:"
        yield from _indent(_shown(result.requests[-1]))
    if result.said.strip():
        yield "output:"
        yield from _indent(result.said.strip().splitlines()[-LOG_LINES:])
    lines = _interesting(result.log)
    if lines:
        yield "error.log:"
        yield from _indent(lines[-LOG_LINES:])
    words = [*command, str(block.suite.path), "-k", label(block)]
    yield f"run it alone: {shlex.join(words)}"


def _interesting(log: Sequence[str]) -> list[str]:
    """Return the lines of a log that are not about the server's own work."""
    lines = [line.rstrip("\n") for line in log]
    return [line for line in lines if "[debug]" not in line] or lines


def _describe(check: Check) -> Iterator[str]:
    yield f"not ok: {check.name.rstrip()}"
    if check.got is None or check.expected is None:
        return
    if check.expected.startswith(("like ", "unlike ")):
        yield from _indent([f"got: {check.got!r}", f"is to be {check.expected}"])
        return
    expected, got = _visible(check.expected), _visible(check.got)
    difference = list(
        difflib.unified_diff(expected, got, "expected", "got", lineterm="", n=2)
    )
    yield from _indent(difference[:DIFF_LINES])


def _visible(text: str) -> list[str]:
    """Return the lines of a text with what cannot be seen escaped."""
    lines = text.split("\n")
    shown = [repr(line)[1:-1].replace("\\'", "'") + "\\n" for line in lines[:-1]]
    return shown + ([repr(lines[-1])[1:-1]] if lines[-1] else [])


def _shown(data: bytes) -> list[str]:
    lines = data[:REQUEST_BYTES].decode("latin-1").replace("\r\n", "\n").split("\n")
    if len(data) > REQUEST_BYTES:
        lines.append(f"… ({len(data)} bytes)")
    return lines


def _indent(lines: Sequence[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def summary(files: Sequence[FileResult], seconds: float) -> str:
    """Return the last line of a run: ``3 passed, 1 failed in 0.4s``."""
    results = [result for file in files for result in file.results]
    counts = {
        outcome: sum(result.outcome is outcome for result in results)
        for outcome in Outcome
    }
    left_out = sum(bool(file.reason) for file in files)
    broken = sum(bool(file.error or file.plan_error) for file in files)
    parts = [f"{counts[Outcome.PASSED]} passed", f"{counts[Outcome.FAILED]} failed"]
    if counts[Outcome.SKIPPED]:
        parts.append(f"{counts[Outcome.SKIPPED]} skipped")
    if left_out:
        parts.append(f"{left_out} files left out")
    if broken:
        parts.append(f"{broken} files in error")
    return f"{', '.join(parts)} in {seconds:.1f}s"


# TAP and JUnit ---------------------------------------------------------------


def write_tap(files: Sequence[FileResult], stream: TextIO = sys.stdout) -> None:
    """Write the results as TAP, version 13: one test for each block."""
    stream.write("TAP version 13\n")
    number = 0
    for file in files:
        if file.reason or file.error:
            number += 1
            state = "not ok" if file.error else "ok"
            directive = f" # SKIP {file.reason}" if file.reason else f": {file.error}"
            stream.write(f"{state} {number} - {file.path}{directive}\n")
        for result in file.results:
            number += 1
            stream.write(_tap_line(result, number))
    stream.write(f"1..{number}\n")


def _tap_line(result: Result, number: int) -> str:
    state = "not ok" if result.outcome is Outcome.FAILED else "ok"
    name = title(result).replace("#", "\\#")
    line = f"{state} {number} - {name}"
    if result.outcome is Outcome.SKIPPED:
        line += f" # SKIP {result.reason}"
    comments = "".join(f"# {check.name.strip()}\n" for check in result.failures)
    return f"{line}\n{comments}"


def write_junit(files: Sequence[FileResult], path: Path) -> None:
    """Write the results as JUnit's XML: a suite for each file."""
    root = ElementTree.Element("testsuites")
    for file in files:
        root.append(_junit_suite(file))
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _junit_suite(file: FileResult) -> ElementTree.Element:
    outcomes = [result.outcome for result in file.results]
    suite = ElementTree.Element(
        "testsuite",
        name=str(file.path),
        tests=str(len(outcomes) + bool(file.error or file.reason)),
        failures=str(outcomes.count(Outcome.FAILED)),
        errors=str(int(bool(file.error))),
        skipped=str(outcomes.count(Outcome.SKIPPED) + bool(file.reason)),
        time=f"{sum(result.seconds for result in file.results):.3f}",
    )
    if file.error or file.reason:
        case = ElementTree.SubElement(suite, "testcase", name=str(file.path))
        kind = "error" if file.error else "skipped"
        ElementTree.SubElement(
            case, kind, message=_speakable(file.error or file.reason)
        )
    for result in file.results:
        suite.append(_junit_case(result))
    return suite


def _junit_case(result: Result) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=str(result.block.suite.path),
        name=_speakable(result.block.name),
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=_speakable(result.reason))
    elif result.outcome is Outcome.FAILED:
        names = "; ".join(dict.fromkeys(check.name for check in result.failures))
        failure = ElementTree.SubElement(case, "failure", message=_speakable(names))
        failure.text = _speakable("\n".join(_explanation(result, ["resty-py", "test"])))
    return case


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("�", text)
