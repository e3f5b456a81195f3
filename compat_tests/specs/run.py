"""Runs a library's tests on a flavour, or on the reference, and counts them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compat_libraries import program

from .suites import REFERENCE

if TYPE_CHECKING:
    from .suites import Library

__all__ = ["LEDGER", "Count", "read_ledger", "run", "write_ledger"]

LEDGER = Path(__file__).with_name("specs.json")

_PATIENCE = 120

_TAP = re.compile(rb"^(not )?ok \d+", re.MULTILINE)
_CJSON = re.compile(rb"==> Summary: (?:(\d+)/(\d+) tests failed|all (\d+) tests)")
_LUNIT = re.compile(rb"\((\d+) passed, (\d+) failed, (\d+) errors\)")


@dataclass(frozen=True)
class Count:
    """How many tests pass, and how many there are.

    Attributes:
        passed, total: the numbers.
        output: what was printed, for whom it is too little.
    """

    passed: int
    total: int
    output: str = ""

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed,
            self.total + other.total,
            self.output + other.output,
        )


def run(library: Library, flavour: str) -> Count:
    """Run the tests of a library.

    Args:
        library: the library.
        flavour: the Lua, or the reference.

    Raises:
        UnavailableError: its source cannot be had here.
    """
    count = Count(0, 0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "tests")
        # Tests write where they are.
        root = library.source.fetch() if library.source else library.place()
        shutil.copytree(root, place)
        for words in library.commands:
            done = subprocess.run(
                [*_command(flavour), *words],
                cwd=place / (library.folder if library.source else "."),
                env={**os.environ, **dict(library.environment)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE,
                check=False,
            )
            if library.source is None:
                count += _compared(library, flavour, done.stdout)
            else:
                count += _counted(done.stdout, done.returncode)
    return count


def _command(flavour: str) -> list[str]:
    if flavour == REFERENCE:
        return [program(REFERENCE, REFERENCE)]
    options = ["--lua", flavour, "--errlog-level", "error"]
    return [sys.executable, "-m", "resty_py", "run", *options]


def _counted(output: bytes, code: int) -> Count:
    text = output.decode(errors="replace")
    if marks := _TAP.findall(output):
        return Count(marks.count(b""), len(marks), text)
    if summary := _CJSON.search(output):
        total = int(summary[2] or summary[3])
        return Count(total - int(summary[1] or 0), total, text)
    if summary := _LUNIT.search(output):
        passed, failed, errors = map(int, summary.groups())
        return Count(passed, passed + failed + errors, text)
    return Count(int(code == 0), 1, text)


def _compared(library: Library, flavour: str, output: bytes) -> Count:
    """Return how many lines a probe prints, and how many are what they should be."""
    wanted = output
    if flavour != REFERENCE:
        done = subprocess.run(
            [*_command(REFERENCE), *library.commands[0]],
            cwd=library.place(),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        wanted = done.stdout
    lines = wanted.splitlines()
    found = output.splitlines()
    passed = sum(one == other for one, other in zip(lines, found, strict=False))
    if len(found) > len(lines):
        passed = 0
    return Count(passed, len(lines), output.decode(errors="replace"))


# The ledger -------------------------------------------------------------------


def read_ledger() -> dict[str, dict[str, list[int]]]:
    """Return what is recorded."""
    recorded: dict[str, dict[str, list[int]]] = json.loads(LEDGER.read_text())
    return recorded


def write_ledger(recorded: dict[str, dict[str, list[int]]]) -> None:
    """Record it."""
    lines = [
        f' "{name}": {json.dumps(flavours)}'
        for name, flavours in sorted(recorded.items())
    ]
    LEDGER.write_text("{\n" + ",\n".join(lines) + "\n}\n")
