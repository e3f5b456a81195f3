"""Whether the structure of a zone is sound: what must hold between operations.

Everything that ``layout.py`` says is walked: runs and pages of slots tile the
zone, what is used is used once, entries are in their buckets, in the queue and
LIVE, lists lead both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import (
    CHAIN,
    COUNT,
    DESCRIPTOR,
    FIRST,
    FIRST_PAGE,
    FREE,
    FREE_PAGES,
    FREE_TAIL,
    FRESH,
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
    NODE_SIZE,
    OLDER,
    PREVIOUS,
    QUEUE,
    RUN,
    RUN_TAIL,
    SIZE,
    SLOT,
    TABLE,
    TORN,
    USED,
    own_slots,
    slots_of,
)
from .memory import hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .zone import Zone

__all__ = ["find_faults"]


def find_faults(zone: Zone) -> list[str]:
    """Return what is wrong with a zone; the caller holds its mutex."""
    return list(_Check(zone).faults())


class _Check:
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._words = zone.memory.words
        self._end = FIRST_PAGE + zone.memory.pages
        self._live: set[int] = set()
        self._slots: set[int] = set()

    def faults(self) -> Iterator[str]:
        """Yield what is wrong."""
        yield from self._pages()
        yield from self._lists_of_pages()
        entries = list(self._chained())
        if len(set(entries)) != len(entries):
            yield "an entry is in two places"
        if set(entries) != self._live:
            yield f"LIVE and buckets differ: {set(entries) ^ self._live}"
        yield from self._queue(entries)
        yield from self._entries(entries)

    # Pages ----------------------------------------------------------------------

    def _at(self, page: int) -> int:
        return TABLE + page * DESCRIPTOR

    def _pages(self) -> Iterator[str]:
        words, page, free, last_was_free = self._words, FIRST_PAGE, 0, False
        while page < self._end:
            at = self._at(page)
            kind, length = words[at + KIND], 1
            if kind in (FREE, RUN):
                length = words[at + LENGTH]
            if length < 1 or page + length > self._end:
                yield f"page {page}: a run of {length}"
                return
            if kind == FREE:
                yield from self._free_run(page, length, last_was_free)
                free += length
            elif kind == RUN:
                yield from self._run(page, length)
            elif MIN_CLASS <= kind <= MAX_CLASS:
                yield from self._page_of_slots(page, kind)
            else:
                yield f"page {page}: kind {kind}"
            last_was_free = kind == FREE
            page += length
        if free != words[FREE_PAGES]:
            yield f"{free} pages are free, counted {words[FREE_PAGES]}"

    def _free_run(self, page: int, length: int, after_free: bool) -> Iterator[str]:
        if after_free:
            yield f"page {page}: free runs side by side"
        last = self._at(page + length - 1)
        is_marked = self._words[last + KIND] == FREE_TAIL
        if length > 1 and not (is_marked and self._words[last + LENGTH] == page):
            yield f"page {page}: the end of its run does not know it"
        for other in range(page, page + length):
            if self._words[self._at(other) + LIVE]:
                yield f"page {other}: free and LIVE"

    def _run(self, page: int, length: int) -> Iterator[str]:
        words, ref = self._words, self._ref_of(page)
        self._slots.add(ref)
        if words[self._at(page) + LIVE]:
            self._live.add(ref)
        for other in range(page + 1, page + length):
            if words[self._at(other) + KIND] != RUN_TAIL:
                yield f"page {other}: not the tail of a run"

    def _page_of_slots(self, page: int, kind: int) -> Iterator[str]:
        words, at, start = self._words, self._at(page), self._ref_of(page)
        fresh, free = words[at + FRESH], set()
        step = 1 << (kind - 3)
        ref = words[at + SLOT]
        while ref and ref not in free:
            free.add(ref)
            ref = words[2 * ref]
        given = {start + slot * step for slot in range(fresh)}
        if not free <= given or fresh > slots_of(kind):
            yield f"page {page}: free slots that it never had"
        used = given - free
        if len(used) != words[at + USED] or not used:
            yield f"page {page}: {len(used)} slots, counted {words[at + USED]}"
        live = words[at + LIVE] & 0xFFFFFFFF
        marked = {start + slot * step for slot in range(32) if live >> slot & 1}
        if not marked <= used:
            yield f"page {page}: LIVE, but free"
        self._slots |= used
        self._live |= marked

    def _lists_of_pages(self) -> Iterator[str]:
        words = self._words
        for head in (0, *range(MIN_CLASS, MAX_CLASS + 1)):
            listed: list[int] = []
            before = head
            page = words[self._at(head) + NEXT]
            while page != head and len(listed) <= self._zone.memory.pages:
                if words[self._at(page) + PREVIOUS] != before:
                    yield f"list {head}: page {page} does not lead back"
                listed.append(page)
                before, page = page, words[self._at(page) + NEXT]
            if sorted(listed) != self._expected(head):
                yield f"list {head}: {sorted(listed)}, not {self._expected(head)}"

    def _expected(self, head: int) -> list[int]:
        pages, page = [], FIRST_PAGE
        while page < self._end:
            at = self._at(page)
            kind = self._words[at + KIND]
            is_run = kind in (FREE, RUN)
            has_slots = kind == head and self._words[at + USED] < slots_of(kind)
            if has_slots or (head == 0 and kind == FREE):
                pages.append(page)
            page += max(self._words[at + LENGTH], 1) if is_run else 1
        return pages

    def _ref_of(self, page: int) -> int:
        return self._zone.memory.data + (page - FIRST_PAGE) * 512

    # Entries --------------------------------------------------------------------

    def _chained(self) -> Iterator[int]:
        memory = self._zone.memory
        for bucket in range(memory.mask + 1):
            ref, seen = self._words[memory.buckets + bucket], 0
            while ref and seen <= memory.pages * 32:
                yield ref
                ref, seen = self._words[2 * ref + CHAIN], seen + 1

    def _queue(self, entries: list[int]) -> Iterator[str]:
        words, before = self._words, QUEUE
        queued: list[int] = []
        ref = words[2 * QUEUE + OLDER]
        while ref != QUEUE and len(queued) <= len(entries):
            if words[2 * ref + NEWER] != before:
                yield f"entry {ref}: the queue does not lead back"
            queued.append(ref)
            before, ref = ref, words[2 * ref + OLDER]
        if words[2 * QUEUE + NEWER] != before or sorted(queued) != sorted(entries):
            yield "queue and buckets differ"
        if len(entries) != words[COUNT]:
            yield f"{len(entries)} entries, counted {words[COUNT]}"

    def _entries(self, entries: list[int]) -> Iterator[str]:
        memory, stored = self._zone.memory, self._zone.entries
        used: list[int] = []
        for ref in entries:
            used.append(ref)
            hashed = hash_of(stored.key(ref))
            if self._words[2 * ref + HASH] != hashed:
                yield f"entry {ref}: another hash"
            if self._bucket_of(ref) != memory.buckets + (hashed & memory.mask):
                yield f"entry {ref}: another bucket"
            if stored.kind(ref) == TORN:
                yield f"entry {ref}: torn"
            if stored.kind(ref) == LIST:
                yield from self._list(ref, used)
        own = self._slots.difference(used)
        if len(set(used)) != len(used) or not self._slots.issuperset(used):
            yield "a slot is used twice, or is none"
        if len(own) > len(own_slots(self._zone.name)):
            yield f"slots that nobody uses: {sorted(own)}"

    def _bucket_of(self, ref: int) -> int:
        memory = self._zone.memory
        return memory.buckets + (self._words[2 * ref + HASH] & memory.mask)

    def _list(self, ref: int, used: list[int]) -> Iterator[str]:
        words, before, count = self._words, 0, 0
        node = words[2 * ref + FIRST]
        while node and count <= words[2 * ref + SIZE]:
            if words[2 * node + NODE_PREVIOUS] != before:
                yield f"list {ref}: node {node} does not lead back"
            if words[2 * node + NODE_SIZE] < 0:
                yield f"list {ref}: node {node} has no size"
            used.append(node)
            count += 1
            before, node = node, words[2 * node + NODE_NEXT]
        if words[2 * ref + LAST] != before or count != words[2 * ref + SIZE]:
            yield f"list {ref}: {count} nodes, counted {words[2 * ref + SIZE]}"
        if not count:
            yield f"list {ref}: empty"
