"""Runs a suite and holds what it finds against the ledger.

Rules:

1. Blocks that the real nginx does not pass are not run.
2. A block that is to pass and does not is tried again, alone, up to ``RETRIES``
   times: machines are busy at times.
3. A block that newly passes counts when it passes a second time.
4. What a ledger would lose it keeps, unless it is forced.
5. Reasons that no rule finds (``Reason.is_by_hand``) stay; so does ``skip``, which
   is about the real nginx, and ``flaky``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from resty_py.testing.report import explain

from .ledger import BASE, Status
from .reasons import REASONS
from .suite import Run, status_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from resty_py.testing.runner import Result

    from .ledger import FileLedger
    from .suite import Found

__all__ = ["RETRIES", "Comparison", "compare", "grouped", "record", "record_real"]

RETRIES = 2

#: What a block is worth that is not there any more.
_GONE = Status("fail", "differs")

#: A block: its ``.t`` file and its number.
Place: TypeAlias = tuple[str, str]


@dataclass
class Comparison:
    """What a run found beside what was recorded.

    Attributes:
        found: ``.t`` file -> block -> what came of it.
        lost: blocks that are to pass and do not.
        gained: blocks that pass and are recorded to fail.
        shaky: blocks that passed only when they were tried again.
    """

    found: Found
    lost: list[Place] = field(default_factory=list)
    gained: list[Place] = field(default_factory=list)
    shaky: list[Place] = field(default_factory=list)

    def lost_in(self, name: str) -> list[str]:
        """Return a line for each block of a file that is lost, with its report."""
        return [
            f"{name}: TEST {block} is recorded to pass\n"
            + _report(self.found[name].get(block))
            for file, block in self.lost
            if file == name
        ]


def _report(result: Result | None) -> str:
    return "it was not run" if result is None else explain(result, ["test"])


def compare(run: Run, names: Sequence[str]) -> Comparison:
    """Run ``.t`` files; try again what is lost."""
    ledger = run.suite.ledger
    files = {name: ledger.read(name) for name in names}
    found = run.files(names, without=_outside(files))
    at_first = lost = _lost(run, files, found)
    for _ in range(RETRIES):
        _merge(found, run.again(grouped(lost)))
        lost = _lost(run, files, found)
    shaky = [place for place in at_first if place not in lost]
    return Comparison(found, lost, _gained(run, files, found), shaky)


def _outside(files: dict[str, FileLedger]) -> dict[str, list[str]]:
    """Return the blocks that are in no score."""
    return {
        name: [block for block, s in file.of(BASE).items() if s.kind == "skip"]
        for name, file in files.items()
    }


def _lost(run: Run, files: dict[str, FileLedger], found: Found) -> list[Place]:
    return [
        (name, block)
        for name, file in files.items()
        for block in file.lost(run.flavour, _statuses(found[name]))
    ]


def _gained(run: Run, files: dict[str, FileLedger], found: Found) -> list[Place]:
    recorded = {name: file.of(run.flavour) for name, file in files.items()}
    return [
        (name, block)
        for name, results in found.items()
        for block, status in _statuses(results).items()
        if status.passes
        and (block not in recorded[name] or recorded[name][block].kind == "fail")
    ]


def _statuses(results: dict[str, Result]) -> dict[str, Status]:
    return {block: status_of(result) for block, result in results.items()}


def grouped(places: Iterable[Place]) -> dict[str, list[str]]:
    """Return blocks by their files."""
    grouped: dict[str, list[str]] = {}
    for name, block in places:
        grouped.setdefault(name, []).append(block)
    return grouped


def _merge(found: Found, more: Found) -> None:
    for name, results in more.items():
        found[name] |= results


# Writing ---------------------------------------------------------------------


def record(run: Run, names: Sequence[str], force: str | None = None) -> Comparison:
    """Run ``.t`` files and write down what they are worth.

    Args:
        run: how.
        names: the files.
        force: a reason for which blocks may be lost, or an empty text for the
            reasons that show. With None what would be lost stays as it was recorded.
    """
    comparison = compare(run, names)
    gained = grouped(comparison.gained)
    _merge(comparison.found, run.files(list(gained), gained))
    for name in names:
        lost = [block for file, block in comparison.lost if file == name]
        _write(run, name, comparison.found[name], lost, force)
    return comparison


def _write(
    run: Run,
    name: str,
    found: dict[str, Result],
    lost: list[str],
    force: str | None,
) -> None:
    file = run.suite.ledger.read(name)
    recorded = file.of(run.flavour)
    statuses = _statuses(found)
    written = {
        block: _improved(recorded.get(block), status)
        for block, status in statuses.items()
        if block not in lost
    }
    if force is not None:
        forced = Status("fail", force) if force else None
        written |= {block: forced or statuses.get(block, _GONE) for block in lost}
    file.set(run.flavour, written, run.suite.flavours)
    run.suite.ledger.write(name, file)


def _improved(recorded: Status | None, found: Status) -> Status:
    """Return what a block's status becomes."""
    if recorded is None:
        return found
    stays = recorded.kind in ("skip", "flaky")
    if stays or (REASONS.get(recorded.reason) or _NONE).is_by_hand:
        return found if found.passes and not stays else recorded
    is_vague = not found.passes and found.reason == "differs"
    if is_vague and recorded.kind == "fail" and _is_here(recorded):
        return recorded
    return found


_NONE = REASONS["differs"]


def _is_here(status: Status) -> bool:
    return REASONS[status.reason].kind is _NONE.kind


def record_real(run: Run, names: Sequence[str]) -> list[Place]:
    """Write down which blocks the real nginx does not pass; return them.

    Args:
        run: with the ``binary`` of the real one.
        names: the files.
    """
    found = run.files(names)
    failing = [
        (name, block)
        for name, results in found.items()
        for block, status in _statuses(results).items()
        if not status.passes
    ]
    _merge(found, run.again(grouped(failing)))
    outside = []
    for name in names:
        file = run.suite.ledger.read(name)
        skips = {
            block: Status("skip", _real_reason(status))
            for block, status in _statuses(found[name]).items()
            if not status.passes
        }
        file.set(run.flavour, skips)
        run.suite.ledger.write(name, file)
        outside += [(name, block) for block in skips]
    return outside


def _real_reason(status: Status) -> str:
    """Return why the real nginx does not pass a block."""
    if status.kind == "skip":
        return status.reason
    if status.reason == "needs an nginx module that is not there yet":
        return "needs a module that OpenResty does not require"
    return "real nginx fails it"
