"""A shared dictionary in Python, on the memory that LuaJIT's half reads too.

Follows ngx_http_lua_shdict.c in what every operation does, expires and evicts;
``lualib/resty_py/shm/ffi`` is its twin. Keys are 1 to 65535 bytes. Times are
milliseconds: ``now`` since the epoch, ``ttl`` from now on, 0 or less for ever.
"""

from __future__ import annotations

import errno
import functools
import itertools
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .entries import Entries, Value
from .index import Index
from .layout import (
    BOOLEAN,
    FIRST_PAGE,
    FREE_PAGES,
    LIST,
    NIL,
    NUMBER,
    PAGE,
    REPAIRS,
    STRING,
    own_slots,
)
from .memory import Memory, hash_of
from .mutex import OWNER_DEAD, Mutex
from .repair import repair
from .slab import Slab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ADD", "NOT_A_LIST", "REPLACE", "SAFE", "Found", "Value", "Zone"]

#: What a store may be told: only where there is none, only where there is one,
#: without evicting what has not expired.
ADD, REPLACE, SAFE = 1, 2, 4

#: Why there is no push or pop.
NOT_A_LIST = b"value not a list"


class Found(NamedTuple):
    """What a look-up finds: NIL if nothing; the value of a LIST is None."""

    kind: int = NIL
    value: Value | None = None
    flags: int = 0
    stale: bool = False


_NOTHING = Found()


def _kind_of(value: Value | None) -> int:
    if value is None:
        return NIL
    if isinstance(value, bool):
        return BOOLEAN
    return STRING if isinstance(value, bytes) else NUMBER


def _size_of(kind: int, value: Any) -> int:
    return len(value) if kind == STRING else 8 if kind == NUMBER else 1


def _keys(entries: Entries, refs: Iterator[int], now: float) -> Iterator[bytes]:
    return (entries.key(ref) for ref in refs if not entries.is_over(ref, now))


def _expiry(now: float, ttl: float) -> float:
    return now + ttl if ttl > 0 else 0.0


class _Lock:
    """Holds the mutex while a block lasts; what fails in it is repaired.

    Entering raises RuntimeError where this thread is in such a block already.
    """

    def __init__(self, mutex: Mutex, repair: Callable[[], None]) -> None:
        self._mutex = mutex
        self._repair = repair
        self._is_held = False

    def __enter__(self) -> None:
        code = self._mutex.lock()
        if code:
            self._recover(code)
        self._is_held = True

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        self._is_held = False
        if kind is not None:
            self._repair()
        self._mutex.unlock()

    def _recover(self, code: int) -> None:
        """Repair; a repair that is broken off leaves the mutex to the next one."""
        if code not in (OWNER_DEAD, errno.EDEADLK):
            raise OSError(code, os.strerror(code))
        if code == errno.EDEADLK and self._is_held:
            raise RuntimeError("the shared dictionary is in use by this thread")
        self._repair()
        self._mutex.recover()


class Zone:
    """A zone that this process has made, or inherited.

    Args:
        name: of the dictionary.
        capacity: the declared size in bytes.

    Attributes:
        name, capacity: as given.
        memory, entries: its parts.
        lock: a context manager that holds its mutex.
        repair: rebuilds all that is not the truth; the caller holds the mutex.

    Raises:
        OSError: there is not that much memory.
    """

    def __init__(self, name: bytes, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        self.memory = Memory(capacity)
        self._slab = Slab(self.memory)
        self._index = Index(self.memory)
        self.entries = Entries(self.memory, self._slab, self._index)
        self.repair = functools.partial(
            repair, name, self.memory, self._slab, self._index, self.entries
        )
        mutex = Mutex(self.memory.address)
        mutex.create()
        self.lock = _Lock(mutex, self.repair)
        if self.memory.pages:
            self._slab.add_run(FIRST_PAGE, self.memory.pages)
        for size in own_slots(name):
            self._slab.take(size)

    @property
    def repairs(self) -> int:
        """How often the zone was rebuilt."""
        count: int = self.memory.words[REPAIRS]
        return count

    # One value ------------------------------------------------------------------

    def get(self, key: bytes, now: float, stale: bool = False) -> Found:
        """Look up *key*; where *stale* is set, what has expired counts as well."""
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            if not stale:
                entries.drop_expired(now)
            ref = self._find(key, hashed)
            if not ref:
                return _NOTHING
            is_expired = entries.is_expired(ref, now)
            if is_expired and not stale:
                return _NOTHING
            return Found(
                entries.kind(ref), entries.value(ref), entries.flags(ref), is_expired
            )

    def _find(self, key: bytes, hashed: int) -> int:
        """Return the entry of *key*, which is used by that, or 0."""
        ref = self._index.find(key, hashed)
        if ref:
            self._index.touch(ref)
        return ref

    def store(
        self,
        operation: int,
        key: bytes,
        value: Value | None,
        now: float,
        ttl: float = 0,
        flags: int = 0,
    ) -> tuple[bytes | None, bool]:
        """Set *key* to *value*, or delete it for None.

        Args:
            operation: of ADD, REPLACE and SAFE.
            key, value: what is set.
            now, ttl: when it expires.
            flags: a number that goes with it, a signed word.

        Returns:
            Why it was not: "exists", "not found", "no memory", or None; whether
            other entries were evicted.
        """
        with self.lock:
            return self._store(operation, key, value, now, ttl, flags)

    def _store(
        self,
        operation: int,
        key: bytes,
        value: Value | None,
        now: float,
        ttl: float,
        flags: int,
    ) -> tuple[bytes | None, bool]:
        hashed, kind, expires = hash_of(key), _kind_of(value), _expiry(now, ttl)
        entries = self.entries
        entries.drop_expired(now)
        ref = self._find(key, hashed)
        is_there = ref and not entries.is_expired(ref, now)
        if operation & REPLACE and not is_there:
            return b"not found", False
        if operation & ADD and is_there:
            return b"exists", False
        if ref:
            if value is not None and self._fits(ref, kind, value):
                entries.overwrite(ref, kind, value, flags, expires)
                return None, False
            entries.remove(ref)
        if value is None:
            return None, False
        return self._insert(
            key, hashed, kind, value, now, expires, flags, operation & SAFE
        )

    def swap(
        self,
        operation: int,
        key: bytes,
        old: bytes | None,
        new: bytes | None,
        now: float,
        ttl: float = 0,
    ) -> bytes | None:
        """Set *key* to *new*, or delete it for None, where it is *old*; None: nothing.

        Where there is no memory for what is larger, *old* stays.

        Args:
            operation: 0 or SAFE.
            key, old, new: what is set.
            now, ttl: when it expires.

        Returns:
            Why it was not: "changed", "no memory", or None.
        """
        with self.lock:
            ref = self._find(key, hash_of(key))
            if not ref or self.entries.is_expired(ref, now):
                is_old = old is None
            else:
                is_old = old is not None and self.entries.value(ref) == old
            if not is_old:
                return b"changed"
            err, _ = self._store(operation, key, new, now, ttl, 0)
            if err and old is not None:
                self._store(operation, key, old, now, ttl, 0)
            return err

    def _fits(self, ref: int, kind: int, value: Value) -> bool:
        entries = self.entries
        return entries.kind(ref) != LIST and entries.size(ref) == _size_of(kind, value)

    def _insert(
        self,
        key: bytes,
        hashed: int,
        kind: int,
        value: Value,
        now: float,
        expires: float,
        flags: int,
        safe: int,
    ) -> tuple[bytes | None, bool]:
        entries = self.entries
        size = _size_of(kind, value)
        ref, forced = entries.make(key, hashed, kind, size, now, safe=bool(safe))
        if not ref:
            return b"no memory", forced
        entries.write(ref, kind, value, flags, expires)
        entries.publish(ref)
        return None, forced

    def incr(
        self, key: bytes, by: float, now: float, init: float | None, ttl: float = 0
    ) -> tuple[float | None, bytes | None, bool]:
        """Add to a number; where there is none, to *init*.

        Returns:
            The number then, or None; why not: "not found", "not a number",
            "no memory"; whether other entries were evicted.
        """
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            entries.drop_expired(now)
            ref = self._find(key, hashed)
            if ref and not entries.is_expired(ref, now):
                number = entries.value(ref)
                if entries.kind(ref) != NUMBER or number is None:
                    return None, b"not a number", False
                entries.set_number(ref, number := float(number) + by)
                return number, None, False
            if init is None:
                return None, b"not found", False
            number, expires = float(by + init), _expiry(now, ttl)
            if ref and self._fits(ref, NUMBER, number):
                entries.overwrite(ref, NUMBER, number, 0, expires)
                return number, None, False
            if ref:
                entries.remove(ref)
            err, forced = self._insert(key, hashed, NUMBER, number, now, expires, 0, 0)
            return (None if err else number), err, forced

    def ttl(self, key: bytes, now: float) -> float | None:
        """Return the milliseconds that an entry has left, 0 for ever; None: none."""
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            ref = self._index.find(key, hashed)
            if not ref:
                return None
            expires = entries.expires(ref)
            return expires - now if expires else 0

    def expire(self, key: bytes, now: float, ttl: float) -> bool:
        """Let an entry expire at another time; return whether there is one."""
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            ref = self._index.find(key, hashed)
            if ref:
                entries.set_expires(ref, _expiry(now, ttl))
            return bool(ref)

    # Lists ----------------------------------------------------------------------

    def push(
        self, key: bytes, value: bytes | float, now: float, left: bool
    ) -> tuple[int, bytes | None]:
        """Add a value to a list, which is made if there is none.

        Returns:
            The list's length then, or 0, and -1 if there is no memory even for
            an empty one; why not: NOT_A_LIST, "no memory".
        """
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            entries.drop_expired(now)
            ref = self._find(key, hashed)
            if ref and entries.is_expired(ref, now):
                ref = self._start_over(ref)
            if not ref:
                ref, _ = entries.make(key, hashed, LIST, 0, now, safe=True)
                if not ref:
                    return -1, b"no memory"
                entries.write(ref, LIST, None, 0, 0)
                entries.publish(ref)
            if entries.kind(ref) != LIST:
                return 0, NOT_A_LIST
            length = entries.push(ref, _kind_of(value), value, left)
            if not length and not entries.size(ref):
                entries.remove(ref)
            return length, None if length else b"no memory"

    def _start_over(self, ref: int) -> int:
        """Make an expired entry an empty list; return 0 if it is none."""
        if self.entries.kind(ref) == LIST:
            self.entries.empty(ref)
            return ref
        self.entries.remove(ref)
        return 0

    def pop(
        self, key: bytes, now: float, left: bool
    ) -> tuple[bytes | float | None, bytes | None]:
        """Take a value off a list.

        Returns:
            The value, or None; why: "value not a list", or None: there is none.
        """
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            entries.drop_expired(now)
            ref = self._find(key, hashed)
            if not ref or entries.is_expired(ref, now):
                return None, None
            if entries.kind(ref) != LIST:
                return None, NOT_A_LIST
            return entries.pop(ref, left), None

    def llen(self, key: bytes, now: float) -> int | None:
        """Return the length of a list, 0 where there is none; None: it is none."""
        hashed = hash_of(key)
        entries = self.entries
        with self.lock:
            entries.drop_expired(now)
            ref = self._find(key, hashed)
            if not ref or entries.is_expired(ref, now):
                return 0
            return entries.size(ref) if entries.kind(ref) == LIST else None

    # All of them ----------------------------------------------------------------

    def flush_all(self, now: float) -> None:
        """Let every entry be expired."""
        entries = self.entries
        with self.lock:
            ref = self._index.newest()
            while ref:
                entries.set_expires(ref, 1)
                ref = self._index.older(ref)
            entries.evict(now)

    def flush_expired(self, now: float, most: int = 0) -> int:
        """Remove up to *most* expired entries, 0 for all; return how many."""
        freed = 0
        entries = self.entries
        with self.lock:
            for ref in self._index.refs():
                if entries.is_over(ref, now):
                    entries.remove(ref)
                    freed += 1
                    if freed == most:
                        break
        return freed

    def keys(self, now: float, most: int = 0) -> list[bytes]:
        """Return up to *most* keys, 0 for all; the one used least comes first."""
        if most <= 0:
            return list(_keys(*self.snapshot(), now))
        with self.lock:
            keys = _keys(self.entries, self._index.refs(), now)
            return list(itertools.islice(keys, most))

    def snapshot(self) -> tuple[Entries, Iterator[int]]:
        """Return a copy of the entries, and their refs, the one used least first.

        Nobody is kept out for longer than it takes to copy the pages in use.
        """
        with self.lock:
            memory = self.memory.copy(8 * self._slab.end_of_use())
        index = Index(memory)
        return Entries(memory, Slab(memory), index), index.refs()

    def find(self, key: bytes) -> int:
        """Return the entry of *key*, or 0; the caller has the lock."""
        return self._index.find(key, hash_of(key))

    def clear(self) -> None:
        """Remove every entry."""
        with self.lock:
            for ref in self._index.refs():
                self.entries.remove(ref)

    def free_space(self) -> int:
        """Return the bytes of the pages that are free."""
        with self.lock:
            pages: int = self.memory.words[FREE_PAGES]
            return pages * PAGE
