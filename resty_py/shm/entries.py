"""The entries of a zone: making, reading, changing and removing them.

The order of stores is that of the rules in ``layout.py``; the caller holds the
zone's mutex.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import (
    BOOLEAN,
    ENTRY_COST,
    EVICTIONS,
    EXPIRES,
    FIRST,
    FLAGS,
    HASH,
    KEY,
    KEY_SIZE,
    LAST,
    LIST,
    LIST_COST,
    MAX_VALUE,
    NODE_COST,
    NODE_NEXT,
    NODE_PREVIOUS,
    NODE_SIZE,
    NODE_TYPE,
    NODE_VALUE,
    NUMBER,
    SIZE,
    STRING,
    TORN,
    TYPE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .index import Index
    from .memory import Memory
    from .slab import Slab

__all__ = ["Entries", "Value"]

#: What a dictionary holds.
Value = bytes | float | bool


class Entries:
    """The entries of a zone, each called by its ref."""

    def __init__(self, memory: Memory, slab: Slab, index: Index) -> None:
        self._words = memory.words
        self._doubles = memory.doubles
        self._octets = memory.octets
        self._slab = slab
        self._index = index

    # Reading --------------------------------------------------------------------

    def key(self, ref: int) -> bytes:
        """Return the key."""
        start = 8 * ref + KEY
        return bytes(self._octets[start : start + self._words[2 * ref + KEY_SIZE]])

    def kind(self, ref: int) -> int:
        """Return the type."""
        kind: int = self._words[2 * ref + TYPE]
        return kind

    def flags(self, ref: int) -> int:
        """Return the flags."""
        flags: int = self._words[2 * ref + FLAGS]
        return flags

    def size(self, ref: int) -> int:
        """Return the size of the value, of a list its length."""
        size: int = self._words[2 * ref + SIZE]
        return size

    def expires(self, ref: int) -> float:
        """Return the time of expiry, 0 for never."""
        expires: float = self._doubles[ref + EXPIRES]
        return expires

    def value(self, ref: int) -> Value | None:
        """Return the value; None for a list."""
        return self._read(self.kind(ref), self._value_at(ref), self.size(ref))

    def nodes(self, ref: int) -> Iterator[Value]:
        """Yield the values of a list, from the left."""
        words = self._words
        node = words[2 * ref + FIRST]
        while node:
            yield self._node_value(node)
            node = words[2 * node + NODE_NEXT]

    # Making and removing --------------------------------------------------------

    def make(
        self, key: bytes, hashed: int, kind: int, size: int, now: float, safe: bool
    ) -> tuple[int, bool]:
        """Make an entry that is not there yet for others.

        Args:
            key, hashed: its key.
            kind, size: of its value.
            now: what has expired by then may be evicted.
            safe: evict nothing.

        Returns:
            The entry, or 0: there is no memory; whether others were evicted.
        """
        if size > MAX_VALUE:
            return 0, False
        cost = ENTRY_COST + len(key) + size
        if kind == LIST:
            cost = -(-(cost + LIST_COST) // 8) * 8
        ref, forced = self._slab.take(cost), False
        for _ in range(0 if ref or safe else EVICTIONS):
            if not self.evict(now):
                break
            forced = True
            ref = self._slab.take(cost)
            if ref:
                break
        if ref:
            words, start = self._words, 8 * ref + KEY
            words[2 * ref + HASH] = hashed
            words[2 * ref + KEY_SIZE] = len(key)
            self._octets[start : start + len(key)] = key
        return ref, forced

    def write(
        self, ref: int, kind: int, value: Value | None, flags: int, expires: float
    ) -> None:
        """Give an entry that nobody sees all but its key; None for a list's value."""
        words, at = self._words, 2 * ref
        self._doubles[ref + EXPIRES] = expires
        words[at + FLAGS] = flags
        words[at + SIZE] = self._write(kind, value, self._value_at(ref))
        words[at + FIRST] = words[at + LAST] = 0
        words[at + TYPE] = kind

    def publish(self, ref: int) -> None:
        """Let an entry be seen, used last."""
        self._index.add(ref)
        self._slab.set_live(ref, True)

    def overwrite(
        self, ref: int, kind: int, value: Value, flags: int, expires: float
    ) -> None:
        """Give an entry that others see another value of the same size."""
        words, at = self._words, 2 * ref
        if kind == STRING or words[at + TYPE] != kind:
            words[at + TYPE] = TORN
        self._doubles[ref + EXPIRES] = expires
        words[at + FLAGS] = flags
        self._write(kind, value, self._value_at(ref))
        words[at + TYPE] = kind

    def set_expires(self, ref: int, expires: float) -> None:
        """Let an entry expire at another time."""
        self._doubles[ref + EXPIRES] = expires

    def set_number(self, ref: int, number: float) -> None:
        """Give an entry that is a number another."""
        self._doubles[self._value_at(ref)] = number

    def remove(self, ref: int) -> None:
        """Remove an entry, and the nodes of a list."""
        self._slab.set_live(ref, False)
        if self._words[2 * ref + TYPE] == LIST:
            self.free_nodes(self._words[2 * ref + FIRST])
        self._index.remove(ref)
        self._slab.give_back(ref)

    # Expiring -------------------------------------------------------------------

    def is_expired(self, ref: int, now: float) -> bool:
        """Return whether a look-up finds the entry expired."""
        expires = self._doubles[ref + EXPIRES]
        return bool(expires != 0 and expires < now)

    def drop_expired(self, now: float) -> int:
        """Remove up to two of the oldest entries if they have expired."""
        for dropped in range(2):
            ref = self._index.oldest()
            if not ref or not self.is_over(ref, now):
                return dropped
            self.remove(ref)
        return 2

    def is_over(self, ref: int, now: float) -> bool:
        """Return whether a sweep finds the entry expired, a moment sooner."""
        expires = self._doubles[ref + EXPIRES]
        return bool(expires != 0 and expires <= now)

    def evict(self, now: float) -> int:
        """Remove the oldest entry and up to two expired ones; return how many."""
        ref = self._index.oldest()
        if not ref:
            return 0
        self.remove(ref)
        return 1 + self.drop_expired(now)

    # Lists ----------------------------------------------------------------------

    def push(self, ref: int, kind: int, value: Value, left: bool) -> int:
        """Add a value to a list; return its length then, or 0: no memory."""
        size = len(value) if isinstance(value, bytes) else 8
        node = self._slab.take(NODE_COST + size)
        if not node:
            return 0
        words, at = self._words, 2 * ref
        words[2 * node + NODE_SIZE] = size
        words[2 * node + NODE_TYPE] = kind
        self._write(kind, value, node + NODE_VALUE // 8)
        if left:
            self._link_first(at, node)
        else:
            self._link_last(at, node)
        words[at + SIZE] += 1
        length: int = words[at + SIZE]
        return length

    def _link_first(self, at: int, node: int) -> None:
        words = self._words
        first = words[at + FIRST]
        words[2 * node + NODE_NEXT], words[2 * node + NODE_PREVIOUS] = first, 0
        words[at + FIRST] = node
        if first:
            words[2 * first + NODE_PREVIOUS] = node
        else:
            words[at + LAST] = node

    def _link_last(self, at: int, node: int) -> None:
        words = self._words
        last = words[at + LAST]
        words[2 * node + NODE_NEXT], words[2 * node + NODE_PREVIOUS] = 0, last
        if last:
            words[2 * last + NODE_NEXT] = node
        else:
            words[at + FIRST] = node
        words[at + LAST] = node

    def pop(self, ref: int, left: bool) -> Value:
        """Take a value off a list; a list that is empty then is removed."""
        words, at = self._words, 2 * ref
        node = words[at + FIRST if left else at + LAST]
        value = self._node_value(node)
        if words[at + SIZE] == 1:
            self.remove(ref)
            return value
        if left:
            following = words[2 * node + NODE_NEXT]
            words[at + FIRST] = following
            words[2 * following + NODE_PREVIOUS] = 0
        else:
            before = words[2 * node + NODE_PREVIOUS]
            words[2 * before + NODE_NEXT] = 0
            words[at + LAST] = before
        words[at + SIZE] -= 1
        self._slab.give_back(node)
        return value

    def empty(self, ref: int) -> None:
        """Take all values off a list, which does not expire any more.

        The caller pushes one, or removes the list.
        """
        words, at = self._words, 2 * ref
        node = words[at + FIRST]
        words[at + FIRST] = words[at + LAST] = words[at + SIZE] = 0
        self._doubles[ref + EXPIRES] = 0
        self.free_nodes(node)

    def free_nodes(self, node: int) -> None:
        """Free a node and those after it."""
        while node:
            following = self._words[2 * node + NODE_NEXT]
            self._slab.give_back(node)
            node = following

    def _node_value(self, node: int) -> Value:
        at = 2 * node
        kind, size = self._words[at + NODE_TYPE], self._words[at + NODE_SIZE]
        value = self._read(kind, node + NODE_VALUE // 8, size)
        assert value is not None
        return value

    # Values ---------------------------------------------------------------------

    def _value_at(self, ref: int) -> int:
        """Return the ref of the value of an entry."""
        return ref + ((KEY + 7 + self._words[2 * ref + KEY_SIZE]) >> 3)

    def _read(self, kind: int, at: int, size: int) -> Value | None:
        if kind == STRING:
            return bytes(self._octets[8 * at : 8 * at + size])
        if kind == NUMBER:
            number: float = self._doubles[at]
            return number
        return self._octets[8 * at] != 0 if kind == BOOLEAN else None

    def _write(self, kind: int, value: Value | None, at: int) -> int:
        """Write a value; return its size."""
        if isinstance(value, bytes):
            self._octets[8 * at : 8 * at + len(value)] = value
            return len(value)
        if kind == NUMBER:
            assert value is not None
            self._doubles[at] = value
            return 8
        if kind == BOOLEAN:
            self._octets[8 * at] = bool(value)
            return 1
        return 0
