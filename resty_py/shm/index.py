"""Finding entries: hash buckets and the LRU queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import CHAIN, COUNT, HASH, KEY, KEY_SIZE, NEWER, OLDER, QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .memory import Memory

__all__ = ["Index"]


class Index:
    """Buckets and queue of a zone; the caller holds its mutex."""

    def __init__(self, memory: Memory) -> None:
        self._words = memory.words
        self._octets = memory.octets
        self._buckets = memory.buckets
        self._mask = memory.mask

    def find(self, key: bytes, hashed: int) -> int:
        """Return the ref of the entry of *key*, or 0."""
        words, octets = self._words, self._octets
        size = len(key)
        ref = words[self._buckets + (hashed & self._mask)]
        while ref:
            at = 2 * ref
            if words[at + HASH] == hashed and words[at + KEY_SIZE] == size:
                start = 8 * ref + KEY
                if octets[start : start + size] == key:
                    return ref
            ref = words[at + CHAIN]
        return 0

    def oldest(self) -> int:
        """Return the entry that was used least recently, or 0."""
        ref: int = self._words[2 * QUEUE + NEWER]
        return 0 if ref == QUEUE else ref

    def newest(self) -> int:
        """Return the entry that was used last, or 0."""
        ref: int = self._words[2 * QUEUE + OLDER]
        return 0 if ref == QUEUE else ref

    def newer(self, ref: int) -> int:
        """Return the next in the queue that was used after *ref*, or 0."""
        newer: int = self._words[2 * ref + NEWER]
        return 0 if newer == QUEUE else newer

    def older(self, ref: int) -> int:
        """Return the next in the queue that was used before *ref*, or 0."""
        older: int = self._words[2 * ref + OLDER]
        return 0 if older == QUEUE else older

    def refs(self) -> Iterator[int]:
        """Yield the entries, the one used least recently first; each may go then."""
        ref = self.oldest()
        while ref:
            following = self.newer(ref)
            yield ref
            ref = following

    def add(self, ref: int) -> None:
        """Put in an entry, as the one that was used last."""
        words = self._words
        bucket = self._buckets + (words[2 * ref + HASH] & self._mask)
        words[2 * ref + CHAIN] = words[bucket]
        words[bucket] = ref
        self._enqueue(ref)
        words[COUNT] += 1

    def remove(self, ref: int) -> None:
        """Take out an entry."""
        words = self._words
        holder = self._buckets + (words[2 * ref + HASH] & self._mask)
        while words[holder] != ref:
            holder = 2 * words[holder] + CHAIN
        words[holder] = words[2 * ref + CHAIN]
        self._dequeue(ref)
        words[COUNT] -= 1

    def touch(self, ref: int) -> None:
        """Let an entry be the one that was used last."""
        self._dequeue(ref)
        self._enqueue(ref)

    def clear(self) -> None:
        """Let there be no entries."""
        words = self._words
        for bucket in range(self._buckets, self._buckets + self._mask + 1):
            words[bucket] = 0
        words[2 * QUEUE + NEWER] = words[2 * QUEUE + OLDER] = QUEUE
        words[COUNT] = 0

    def _enqueue(self, ref: int) -> None:
        words = self._words
        older = words[2 * QUEUE + OLDER]
        words[2 * ref + OLDER], words[2 * ref + NEWER] = older, QUEUE
        words[2 * older + NEWER] = words[2 * QUEUE + OLDER] = ref

    def _dequeue(self, ref: int) -> None:
        words = self._words
        newer, older = words[2 * ref + NEWER], words[2 * ref + OLDER]
        words[2 * newer + OLDER] = older
        words[2 * older + NEWER] = newer
