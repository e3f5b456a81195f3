"""Rebuilding a zone after somebody died in it; see the rules in ``layout.py``.

The truth is read first: which entries there are, in which order they were
used, which nodes their lists have. From that everything else is written anew.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .layout import (
    DESCRIPTOR,
    FIRST,
    FIRST_PAGE,
    FREE_PAGES,
    HASH,
    KIND,
    LAST,
    LENGTH,
    LIST,
    LIVE,
    MAX_CLASS,
    MIN_CLASS,
    NEWER,
    NEXT,
    NODE_NEXT,
    NODE_PREVIOUS,
    OLDER,
    PREVIOUS,
    QUEUE,
    REPAIRS,
    RUN,
    SIZE,
    TABLE,
    TORN,
    TYPE,
    own_slots,
)
from .memory import hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .entries import Entries
    from .index import Index
    from .memory import Memory
    from .slab import Slab

__all__ = ["repair"]

logger = logging.getLogger("resty_py.shm")


def repair(
    name: bytes, memory: Memory, slab: Slab, index: Index, entries: Entries
) -> None:
    """Rebuild a zone from its truth; the caller holds its mutex.

    Args:
        name: of the dictionary.
        memory, slab, index, entries: its parts.
    """
    _Repair(memory, slab, index, entries).run(own_slots(name))
    text = "shared dictionary %r was rebuilt: an operation on it was broken off"
    logger.warning(text, name.decode(errors="replace"))


@dataclass
class _Repair:
    """One repair."""

    memory: Memory
    slab: Slab
    index: Index
    entries: Entries
    used: dict[int, list[int]] = field(default_factory=dict)

    def run(self, own: tuple[int, ...]) -> None:
        """Read the truth, and write all else."""
        self.memory.words[REPAIRS] += 1
        kept = [ref for ref in self._entries() if self._mend(ref)]
        order = self._order(set(kept))
        for ref in kept:
            self._use(ref)
            if self.entries.kind(ref) == LIST:
                for node in self._nodes(ref):
                    self._use(node)
        self._rebuild_pages()
        self._rebuild_index(order)
        for size in own:
            self.slab.take(size)

    # The truth --------------------------------------------------------------------

    def _entries(self) -> Iterator[int]:
        """Yield the entries by the LIVE bits."""
        words, page = self.memory.words, FIRST_PAGE
        while page < FIRST_PAGE + self.memory.pages:
            at = TABLE + page * DESCRIPTOR
            kind, live = words[at + KIND], words[at + LIVE] & 0xFFFFFFFF
            if kind == RUN and live:
                yield self.slab.ref_of(page)
                page += words[at + LENGTH]
                continue
            if MIN_CLASS <= kind <= MAX_CLASS:
                for slot in range(live.bit_length()):
                    if live >> slot & 1:
                        yield self.slab.ref_of(page) + (slot << (kind - 3))
            page += 1

    def _mend(self, ref: int) -> bool:
        """Make an entry whole; drop one that cannot be: say that it is none."""
        words, at = self.memory.words, 2 * ref
        kind = words[at + TYPE]
        if kind == LIST:
            words[at + SIZE] = self._mend_list(ref)
        if kind == TORN or (kind == LIST and not words[at + SIZE]):
            self.slab.set_live(ref, False)
            return False
        return True

    def _mend_list(self, ref: int) -> int:
        """Set what the ``next`` of the nodes tells; return their number."""
        words, count, before = self.memory.words, 0, 0
        for node in self._nodes(ref):
            words[2 * node + NODE_PREVIOUS] = before
            before = node
            count += 1
        words[2 * ref + LAST] = before
        return count

    def _nodes(self, ref: int) -> Iterator[int]:
        words = self.memory.words
        node = words[2 * ref + FIRST]
        while node:
            yield node
            node = words[2 * node + NODE_NEXT]

    def _order(self, kept: set[int]) -> list[int]:
        """Return the entries, the one used last first, as the queue has them."""
        front = list(self._walk(OLDER, kept))
        rest = kept.difference(front)
        back = list(self._walk(NEWER, rest))[::-1]
        middle = sorted(rest.difference(back))
        return front + middle + back

    def _walk(self, way: int, kept: set[int]) -> Iterator[int]:
        words, seen = self.memory.words, set()
        ref = words[2 * QUEUE + way]
        while ref in kept and ref not in seen:
            seen.add(ref)
            yield ref
            ref = words[2 * ref + way]

    # What follows from it ---------------------------------------------------------

    def _use(self, ref: int) -> None:
        self.used.setdefault(self.slab.page_of(ref), []).append(ref)

    def _rebuild_pages(self) -> None:
        words = self.memory.words
        words[FREE_PAGES] = 0
        for head in range(FIRST_PAGE):
            at = TABLE + head * DESCRIPTOR
            words[at + NEXT] = words[at + PREVIOUS] = head
        page = free = FIRST_PAGE
        end = FIRST_PAGE + self.memory.pages
        while page < end:
            if page not in self.used:
                page += 1
                continue
            self._free(free, page)
            at = TABLE + page * DESCRIPTOR
            if words[at + KIND] == RUN:
                page += words[at + LENGTH]
            else:
                self.slab.restore(page, self.used[page])
                page += 1
            free = page
        self._free(free, end)

    def _free(self, page: int, end: int) -> None:
        if page < end:
            self.slab.add_run(page, end - page)

    def _rebuild_index(self, order: list[int]) -> None:
        self.index.clear()
        for ref in reversed(order):
            self.memory.words[2 * ref + HASH] = hash_of(self.entries.key(ref))
            self.index.add(ref)
