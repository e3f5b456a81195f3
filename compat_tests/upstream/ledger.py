"""The ledger: which blocks of a suite pass, one file for each ``.t`` file.

A file is JSON: flavour -> block -> status. ::

    {
     "luajit21": {
      "1": "pass",
      "2": "fail: needs pipes",
      "3": "skip: real nginx fails it",
      "4": "flaky: depends on the load of the machine"
     },
     "lua51": {
      "1": "fail: needs FFI"
     }
    }

Rules:

1. A block is called by its number, ``TEST number``.
2. The first flavour has all blocks; the others only those that end otherwise.
3. A reason is one of ``reasons.REASONS``. ``skip`` is for reasons outside the
   scores, and what it says of a block holds for every flavour. ``flaky`` is for a
   block that passes at times: nothing is asked of it, and it does not count as
   passing.
4. What was recorded to pass has to pass. The ledger is only ever improved, unless
   it is forced with a reason.
5. What passes on the first flavour only now is not yet known of the others: they
   stay as they were until they are run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["BASE", "PASS", "FileLedger", "Ledger", "LedgerError", "Status"]

#: The flavour whose blocks are all written down.
BASE = "luajit21"

_KINDS = ("pass", "fail", "skip", "flaky")


class LedgerError(Exception):
    """A ledger cannot be read; the text says why."""


@dataclass(frozen=True)
class Status:
    """How a block ends.

    Attributes:
        kind: ``pass``, ``fail``, ``skip`` or ``flaky``.
        reason: one of ``reasons.REASONS``; of a pass an empty text.
    """

    kind: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" if self.reason else self.kind

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the status that a text says.

        Raises:
            LedgerError: it says none.
        """
        kind, _, reason = text.partition(": ")
        if kind not in _KINDS or (kind == "pass") == (reason in REASONS):
            raise LedgerError(f"no status: {text}")
        return cls(kind, reason)

    @property
    def passes(self) -> bool:
        """Whether the block passes, and is to go on passing."""
        return self.kind == "pass"


PASS = Status("pass")


@dataclass
class FileLedger:
    """The ledger of one ``.t`` file.

    Attributes:
        blocks: flavour -> block -> status; of the base flavour all, of the others
            those that end otherwise.
    """

    blocks: dict[str, dict[str, Status]] = field(default_factory=dict)

    def of(self, flavour: str) -> dict[str, Status]:
        """Return all blocks as they end on a flavour."""
        base = self.blocks.get(BASE, {})
        return base if flavour == BASE else {**base, **self.blocks.get(flavour, {})}

    def set(
        self, flavour: str, found: Mapping[str, Status], others: Iterable[str] = ()
    ) -> None:
        """Write down how blocks end on a flavour; what is not named stays as it was.

        Args:
            flavour: the flavour.
            found: block -> status.
            others: further flavours that the suite is run on.
        """
        before = {name: self.of(name) for name in {*self.blocks, *others}}
        merged = {**self.of(flavour), **found}
        if flavour != BASE:
            self._set_differences(flavour, merged)
            return
        self.blocks[BASE] = merged
        for name in before.keys() - {BASE}:
            self._set_differences(name, before[name])

    def _set_differences(self, flavour: str, blocks: Mapping[str, Status]) -> None:
        base = self.blocks.get(BASE, {})
        different = {
            block: status
            for block, status in blocks.items()
            if base.get(block) not in (status, None)
        }
        self.blocks.pop(flavour, None)
        if different:
            self.blocks[flavour] = different

    def lost(self, flavour: str, found: Mapping[str, Status]) -> list[str]:
        """Return the blocks that are to pass and did not, or were not found."""
        passing = {block for block, status in found.items() if status.passes}
        return [
            block
            for block, status in self.of(flavour).items()
            if status.passes and block not in passing
        ]


class Ledger:
    """The ledger of a suite.

    Args:
        folder: with a file for each ``.t`` file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.removesuffix('.t')}.json"

    def names(self) -> list[str]:
        """Return the ``.t`` files that it knows, as paths within the suite."""
        found = self._folder.rglob("*.json")
        relative = (path.relative_to(self._folder) for path in found)
        return sorted(path.with_suffix(".t").as_posix() for path in relative)

    def read(self, name: str) -> FileLedger:
        """Return the ledger of a ``.t`` file; an empty one if there is none.

        Raises:
            LedgerError: the file is none.
        """
        path = self._path(name)
        tree = json.loads(path.read_text()) if path.exists() else {}
        try:
            return FileLedger(
                {
                    flavour: {
                        block: Status.parse(text) for block, text in blocks.items()
                    }
                    for flavour, blocks in tree.items()
                }
            )
        except LedgerError as exc:
            raise LedgerError(f"{path}: {exc}") from None

    def write(self, name: str, file: FileLedger) -> None:
        """Write the ledger of a ``.t`` file."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        flavours = sorted(file.blocks, key=lambda name: (name != BASE, name))
        tree = {
            flavour: {
                block: str(file.blocks[flavour][block])
                for block in sorted(file.blocks[flavour], key=_order)
            }
            for flavour in flavours
        }
        path.write_text(json.dumps(tree, indent=1) + "\n")


def _order(block: str) -> tuple[int, str]:
    digits = "".join(letter for letter in block if letter.isdigit())
    return int(digits or 0), block
