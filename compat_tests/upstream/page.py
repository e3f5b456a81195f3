"""The scores, computed from the ledgers and written into docs/upstream.md.

What is between the markers of a page is generated; the rest is written by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .ledger import BASE
from .reasons import REASONS, Kind
from .suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .ledger import Status
    from .suite import Suite

__all__ = ["PAGE", "Score", "render", "write"]

PAGE = Path(__file__).parents[2] / "docs" / "upstream.md"

_MARKED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass
class Score:
    """How many blocks there are, and how many pass.

    Attributes:
        passing: blocks that pass.
        reasons: how many others there are for each reason.
    """

    passing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, statuses: Iterable[Status]) -> Self:
        """Count statuses."""
        score = cls()
        for status in statuses:
            if status.passes:
                score.passing += 1
            else:
                score.reasons[status.reason] += 1
        return score

    def count(self, *kinds: Kind) -> int:
        """Return how many blocks do not pass for reasons of some kinds."""
        return sum(n for text, n in self.reasons.items() if REASONS[text].kind in kinds)

    @property
    def all(self) -> tuple[int, int]:
        """How many pass of all that the real nginx passes."""
        return self.passing, self.passing + self.count(Kind.LATER, Kind.HERE)

    @property
    def now(self) -> tuple[int, int]:
        """How many pass of those that need no later capability."""
        return self.passing, self.passing + self.count(Kind.HERE)


def scores(suite: Suite, flavour: str = BASE) -> dict[str, Score]:
    """Return the score of each ``.t`` file of a suite."""
    ledger = suite.ledger
    return {
        name: Score.of(ledger.read(name).of(flavour).values())
        for name in ledger.names()
    }


def total(parts: Mapping[str, Score]) -> Score:
    """Return the sum of scores."""
    whole = Score()
    for part in parts.values():
        whole.passing += part.passing
        whole.reasons += part.reasons
    return whole


def others(suite: Suite, flavour: str) -> tuple[int, int]:
    """Return how many of the blocks that pass on the base pass on a flavour too.

    Blocks that need FFI are left out.
    """
    passing = count = 0
    for name in suite.ledger.names():
        file = suite.ledger.read(name)
        there = file.of(flavour)
        for block, status in file.of(BASE).items():
            if status.passes and there[block].reason != "needs FFI":
                count += 1
                passing += there[block].passes
    return passing, count


# The page --------------------------------------------------------------------


def _share(pair: tuple[int, int]) -> str:
    passing, count = pair
    return f"{passing} of {count} ({passing / count:.1%})" if count else "-"


def _totals() -> Iterator[str]:
    yield "| suite | Lua | of all that the real nginx passes | without those that"
    yield " need a later capability | of those that pass on LuaJIT without FFI |\n"
    yield "|---|---|---|---|---|\n"
    for suite in SUITES.values():
        if not suite.ledger.names():
            continue
        for flavour in suite.flavours:
            score = total(scores(suite, flavour))
            same = "" if flavour == BASE else _share(others(suite, flavour))
            yield f"| {suite.name} | {flavour} | {_share(score.all)} "
            yield f"| {_share(score.now)} | {same} |\n"


def _why() -> Iterator[str]:
    counts: Counter[str] = Counter()
    for suite in SUITES.values():
        counts += total(scores(suite)).reasons
    for kind in Kind:
        yield f"| {kind.value} | blocks |\n|---|---:|\n"
        for text, count in counts.most_common():
            if REASONS[text].kind is kind:
                yield f"| {text} | {count} |\n"
        yield "\n"


def _files() -> Iterator[str]:
    for suite in SUITES.values():
        yield f"### {suite.name}\n\n"
        yield "| file | passing | reasons of the others |\n|---|---:|---|\n"
        for name, score in scores(suite).items():
            passing, count = score.all
            why = ", ".join(f"{n} {text}" for text, n in score.reasons.most_common())
            yield f"| {name} | {passing}/{count} | {why} |\n"
        yield "\n"


_PARTS = {"totals": _totals, "why": _why, "files": _files}


def render(text: str) -> str:
    """Return a page with what is between its markers made anew."""
    return _MARKED.sub(
        lambda match: match[1] + "".join(_PARTS[match[2]]()) + match[3], text
    )


def write() -> None:
    """Write the scores into the page."""
    PAGE.write_text(render(PAGE.read_text()))
