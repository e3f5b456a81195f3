"""The matrix of docs/libraries.md, made of the ledgers.

    python libraries_page.py

writes it anew; a test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from specs.run import read_ledger
from specs.suites import FLAVOURS, LIBRARIES, REFERENCE
from upstream.page import Score
from upstream.suites import LIBRARIES as SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upstream.suite import Suite

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).parents[1] / "docs" / "libraries.md"

#: The ledger of our own tests, and the name of the real one in it.
OWN = Path(__file__).with_name("ledger.json")
OPENRESTY = "openresty"

_MARKED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str) -> str:
    """Return the page with its tables made anew."""
    tables = {"openresty": _openresty, "own": _own, "lua": _lua}

    def fill(match: re.Match[str]) -> str:
        rows = (row + "\n" for row in tables[match[2]]())
        return "".join([match[1], *rows, match[3]])

    return _MARKED.sub(fill, text)


def _openresty() -> Iterator[str]:
    yield "| library | version | " + " | ".join(FLAVOURS) + " |"
    yield "|---|---|" + "---|" * len(FLAVOURS)
    for suite in SUITES:
        version = suite.source.tarball.split("_")[1].partition(".orig")[0]
        scores = " | ".join(_score(suite, flavour) for flavour in FLAVOURS)
        yield f"| {suite.name} | {version} | {scores} |"


def _score(suite: Suite, flavour: str) -> str:
    ledger = suite.ledger
    statuses = [
        status
        for name in ledger.names()
        for status in ledger.read(name).of(flavour).values()
    ]
    passing, total = Score.of(statuses).all
    return f"{passing}/{total}"


def _own() -> Iterator[str]:
    columns = (OPENRESTY, *FLAVOURS)
    yield "| library | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for name, tests in json.loads(OWN.read_text()).items():
        cells = (_passing(tests, column) for column in columns)
        yield f"| {name} | {' | '.join(cells)} |"


def _passing(tests: Mapping[str, str], server: str) -> str:
    """Return how many of the tests on a server pass, and how many there are."""
    statuses = [
        status for name, status in tests.items() if re.search(rf"[\[-]{server}\b", name)
    ]
    return f"{statuses.count('pass')}/{len(statuses)}" if statuses else "-"


def _lua() -> Iterator[str]:
    columns = (REFERENCE, *FLAVOURS)
    yield "| library | tests | " + " | ".join(columns) + " |"
    yield "|---|---|" + "---|" * len(columns)
    recorded = read_ledger()
    for name, library in LIBRARIES.items():
        kind = "its own" if library.source else "a probe"
        cells = (f"{p}/{t}" for p, t in (recorded[name][one] for one in columns))
        yield f"| {name} | {kind} | {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
