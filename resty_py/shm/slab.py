"""Giving away and taking back pages and slots of a zone.

Follows ngx_slab.c in what it gives from where, so that the same things fit:
first fit among free runs, the last freed run first; the page of a class that
had a slot freed last; a page without used slots is free at once. The order
within a page is its own. See ``layout.py`` for what lies where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import (
    DESCRIPTOR,
    FIRST_PAGE,
    FREE,
    FREE_PAGES,
    FREE_TAIL,
    FRESH,
    KIND,
    LENGTH,
    LIVE,
    MAX_SLOT,
    MIN_CLASS,
    NEXT,
    PAGE,
    PAGE_REFS,
    PREVIOUS,
    RUN,
    RUN_TAIL,
    SLOT,
    TABLE,
    USED,
    slots_of,
)

if TYPE_CHECKING:
    from .memory import Memory

__all__ = ["Slab", "class_of"]

_SLOTS = [slots_of(kind) if kind >= MIN_CLASS else 0 for kind in range(12)]


def class_of(size: int) -> int:
    """Return the class of slots for *size* bytes, at most MAX_SLOT."""
    return max((size - 1).bit_length(), MIN_CLASS)


class Slab:
    """The pages of a zone; the caller holds its mutex."""

    def __init__(self, memory: Memory) -> None:
        self._words = memory.words
        self._data = memory.data
        self._end = FIRST_PAGE + memory.pages

    def take(self, size: int) -> int:
        """Return the ref of *size* bytes, or 0: there are none."""
        if size > MAX_SLOT:
            return self._take_run(-(-size // PAGE))
        return self._take_slot(class_of(size))

    def give_back(self, ref: int) -> None:
        """Take back what :meth:`take` gave."""
        words = self._words
        page = self.page_of(ref)
        at = TABLE + page * DESCRIPTOR
        kind = words[at + KIND]
        if kind == RUN:
            self._free_pages(page, words[at + LENGTH])
            return
        words[2 * ref] = words[at + SLOT]
        words[at + SLOT] = ref
        used = words[at + USED]
        if used == _SLOTS[kind]:
            self.link(kind, page)
        words[at + USED] = used - 1
        if used == 1:
            self._unlink(page)
            self._free_pages(page, 1)

    def page_of(self, ref: int) -> int:
        """Return the number of the page that *ref* is in."""
        return (ref - self._data) // PAGE_REFS + FIRST_PAGE

    def ref_of(self, page: int) -> int:
        """Return the ref of a page."""
        return self._data + (page - FIRST_PAGE) * PAGE_REFS

    def end_of_use(self) -> int:
        """Return the ref behind the last page that is in use."""
        return self.ref_of(self._run_before(self._end) or self._end)

    def set_live(self, ref: int, live: bool) -> None:
        """Say whether the slot at *ref* is an entry."""
        words = self._words
        page = self.page_of(ref)
        at = TABLE + page * DESCRIPTOR
        kind = words[at + KIND]
        slot = 0 if kind == RUN else (ref - self.ref_of(page)) >> (kind - 3)
        bits = words[at + LIVE] & 0xFFFFFFFF
        bits = bits | 1 << slot if live else bits & ~(1 << slot)
        words[at + LIVE] = bits - 0x100000000 if bits & 0x80000000 else bits

    # Slots --------------------------------------------------------------------

    def _take_slot(self, kind: int) -> int:
        words = self._words
        page = words[TABLE + kind * DESCRIPTOR + NEXT]
        if page == kind:
            page = self._open_page(kind)
            if not page:
                return 0
        at = TABLE + page * DESCRIPTOR
        ref = words[at + SLOT]
        if ref:
            words[at + SLOT] = words[2 * ref]
        else:
            fresh = words[at + FRESH]
            words[at + FRESH] = fresh + 1
            ref = self.ref_of(page) + (fresh << (kind - 3))
        words[at + USED] += 1
        if words[at + USED] == _SLOTS[kind]:
            self._unlink(page)
        return ref

    def _open_page(self, kind: int) -> int:
        """Make a free page one of slots of class *kind*; return it, or 0."""
        page = self._take_pages(1)
        if page:
            words = self._words
            at = TABLE + page * DESCRIPTOR
            words[at + SLOT] = words[at + FRESH] = words[at + USED] = 0
            words[at + LIVE] = 0
            words[at + KIND] = kind
            self.link(kind, page)
        return page

    # Runs of pages --------------------------------------------------------------

    def _take_run(self, count: int) -> int:
        page = self._take_pages(count)
        if not page:
            return 0
        words = self._words
        at = TABLE + page * DESCRIPTOR
        words[at + LIVE] = 0
        words[at + LENGTH] = count
        words[at + KIND] = RUN
        for other in range(1, count):
            words[at + other * DESCRIPTOR + KIND] = RUN_TAIL
        return self.ref_of(page)

    def _take_pages(self, count: int) -> int:
        """Take *count* pages off a free run; return the first, or 0."""
        words = self._words
        page = words[TABLE + NEXT]
        while page:
            at = TABLE + page * DESCRIPTOR
            length = words[at + LENGTH]
            if length >= count:
                if length > count:
                    self._shorten(page, count, length)
                else:
                    self._unlink(page)
                words[FREE_PAGES] -= count
                return page
            page = words[at + NEXT]
        return 0

    def _shorten(self, page: int, count: int, length: int) -> None:
        """Let a free run begin *count* pages later, at its place in the list."""
        words = self._words
        at, rest = TABLE + page * DESCRIPTOR, page + count
        following, previous = words[at + NEXT], words[at + PREVIOUS]
        new = TABLE + rest * DESCRIPTOR
        words[new + NEXT], words[new + PREVIOUS] = following, previous
        words[TABLE + previous * DESCRIPTOR + NEXT] = rest
        words[TABLE + following * DESCRIPTOR + PREVIOUS] = rest
        self._set_run(rest, length - count)

    def add_run(self, page: int, length: int) -> None:
        """Let a run of pages be free that is none so far; joins no others."""
        self._words[FREE_PAGES] += length
        self._set_run(page, length)
        self.link(0, page)

    def restore(self, page: int, used: list[int]) -> None:
        """Let just the slots *used* of a page of slots be given away."""
        words, start = self._words, self.ref_of(page)
        at = TABLE + page * DESCRIPTOR
        kind = words[at + KIND]
        taken = {(ref - start) >> (kind - 3) for ref in used}
        fresh = max(taken) + 1
        words[at + SLOT] = 0
        words[at + FRESH], words[at + USED] = fresh, len(taken)
        for slot in range(fresh):
            if slot not in taken:
                ref = start + (slot << (kind - 3))
                words[2 * ref] = words[at + SLOT]
                words[at + SLOT] = ref
        if len(taken) < _SLOTS[kind]:
            self.link(kind, page)

    def _set_run(self, page: int, length: int) -> None:
        """Say that a free run of *length* pages begins at *page*."""
        words = self._words
        at = TABLE + page * DESCRIPTOR
        last = at + (length - 1) * DESCRIPTOR
        words[last + KIND], words[last + LENGTH] = FREE_TAIL, page
        words[at + LENGTH] = length
        words[at + KIND] = FREE

    def _free_pages(self, page: int, length: int) -> None:
        words = self._words
        words[FREE_PAGES] += length
        at = TABLE + page * DESCRIPTOR
        for other in range(length):
            words[at + other * DESCRIPTOR + KIND] = FREE_TAIL
        following = page + length
        length += self._join(following)
        before = self._run_before(page)
        if before:
            length += self._join(before)
            page = before
        self._set_run(page, length)
        self.link(0, page)

    def _join(self, page: int) -> int:
        """Take the run that begins at *page* off the list; return its length.

        Where no free run begins, nothing is done.
        """
        at = TABLE + page * DESCRIPTOR
        if page == self._end or self._words[at + KIND] != FREE:
            return 0
        self._unlink(page)
        self._words[at + KIND] = FREE_TAIL
        length: int = self._words[at + LENGTH]
        return length

    def _run_before(self, page: int) -> int:
        """Return where the free run begins that ends before *page*, or 0."""
        if page == FIRST_PAGE:
            return 0
        at = TABLE + (page - 1) * DESCRIPTOR
        kind = self._words[at + KIND]
        if kind == FREE:
            return page - 1
        start: int = self._words[at + LENGTH] if kind == FREE_TAIL else 0
        return start

    # Lists ----------------------------------------------------------------------

    def link(self, head: int, page: int) -> None:
        """Put a page before all others of a list."""
        words = self._words
        first = words[TABLE + head * DESCRIPTOR + NEXT]
        at = TABLE + page * DESCRIPTOR
        words[at + NEXT], words[at + PREVIOUS] = first, head
        words[TABLE + first * DESCRIPTOR + PREVIOUS] = page
        words[TABLE + head * DESCRIPTOR + NEXT] = page

    def _unlink(self, page: int) -> None:
        words = self._words
        at = TABLE + page * DESCRIPTOR
        following, previous = words[at + NEXT], words[at + PREVIOUS]
        words[TABLE + previous * DESCRIPTOR + NEXT] = following
        words[TABLE + following * DESCRIPTOR + PREVIOUS] = previous
