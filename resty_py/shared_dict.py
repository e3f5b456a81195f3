"""A dictionary of ``ngx.shared``, from Python.

A program can make one and give it to workers, or take one of a worker::

    cache = SharedDict("10m")
    async with resty_py.open_worker(shared_dicts={"cache": cache}) as worker:
        cache.set("greeting", b"hello", ttl=60)
        await worker.run('return ngx.shared.cache:get("greeting")')

Rules:

1. Both sides work on the same memory; every method is one atomic operation.
2. Lua's strings are bytes here, its numbers int where they are whole and float
   elsewhere, its lists lists. Keys and values may be given as str, in UTF-8.
3. What OpenResty answers with an error text is an exception here: MemoryError
   where it says "no memory", KeyError for "not found", TypeError for a value of
   another kind.
"""

from __future__ import annotations

import json
import math
import operator
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .conf.values import parse_size
from .shm.check import find_faults
from .shm.layout import LIST
from .shm.zone import ADD, NOT_A_LIST, REPLACE, SAFE, Zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from .shm.entries import Entries

__all__ = ["Entry", "SharedDict", "zone_size"]

#: The smallest dictionary, in bytes.
MIN_SIZE = 8192

#: The longest key, in bytes.
MAX_KEY = 65535

_WORD = range(-(2**31), 2**31)
_HEAD = {"resty-py": "shared dict", "version": 1}

#: What a dictionary holds.
Value = bytes | int | float | bool


def zone_size(size: int | str) -> int:
    """Return the size of a dictionary in bytes.

    Args:
        size: bytes, or text as ``lua_shared_dict`` takes it, such as "10m".

    Raises:
        ValueError: no dictionary has that size.
    """
    try:
        number = parse_size(size) if isinstance(size, str) else operator.index(size)
    except ValueError:
        raise ValueError(f'"{size}" is no size such as 512k or 10m') from None
    if number < MIN_SIZE:
        raise ValueError(f"{size} is less than {MIN_SIZE} bytes")
    return number


@dataclass(frozen=True)
class Entry:
    """What there is of a key.

    Attributes:
        value: a list's is a list.
        flags: the number that was set with it.
        expires: seconds since the epoch, or None for never.
    """

    value: Value | list[Value]
    flags: int = 0
    expires: float | None = None


class SharedDict:
    """A dictionary of ``ngx.shared``.

    Args:
        size: in bytes, or as ``lua_shared_dict`` takes it, such as "10m".
        clock: returns the seconds since the epoch.

    Raises:
        ValueError: no dictionary has that size.
        OSError: there is not that much memory.
    """

    def __init__(
        self, size: int | str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.zone = Zone(b"", zone_size(size))
        self._clock = clock

    @classmethod
    def of(cls, zone: Zone, clock: Callable[[], float] = time.time) -> Self:
        """Return the dictionary that is in *zone*."""
        shared = cls.__new__(cls)
        shared.zone, shared._clock = zone, clock
        return shared

    # One value ------------------------------------------------------------------

    def get(self, key: bytes | str, default: Any = None) -> Any:
        """Return the value of *key*, a list for a list, or *default*."""
        entry = self.entry(key)
        return default if entry is None else entry.value

    def entry(self, key: bytes | str, *, stale: bool = False) -> Entry | None:
        """Return all there is of *key*, or None.

        Args:
            key: the key.
            stale: take one that has expired as well.
        """
        name, now = _key(key), self._now()
        zone = self.zone
        with zone.lock:
            ref = zone.find(name)
            if not ref or (zone.entries.is_expired(ref, now) and not stale):
                return None
            return _entry(zone.entries, ref)

    def set(
        self,
        key: bytes | str,
        value: Value | str,
        ttl: float = 0,
        flags: int = 0,
        *,
        evict: bool = True,
    ) -> None:
        """Set *key* to *value*.

        Args:
            key, value: what is set.
            ttl: seconds until it expires; 0: never.
            flags: a number that goes with it, 32 bits.
            evict: make room by removing what was used least recently.

        Raises:
            MemoryError: there is no room.
        """
        self._store(0 if evict else SAFE, key, value, ttl, flags)

    def add(
        self, key: bytes | str, value: Value | str, ttl: float = 0, flags: int = 0
    ) -> bool:
        """Set *key* if there is none; return whether it was set."""
        return self._store(ADD, key, value, ttl, flags)

    def replace(
        self, key: bytes | str, value: Value | str, ttl: float = 0, flags: int = 0
    ) -> bool:
        """Set *key* if there is one; return whether it was set."""
        return self._store(REPLACE, key, value, ttl, flags)

    def delete(self, key: bytes | str) -> None:
        """Remove *key*, if there is one."""
        self.zone.store(0, _key(key), None, self._now())

    def incr(
        self,
        key: bytes | str,
        by: float = 1,
        init: float | None = None,
        ttl: float = 0,
    ) -> int | float:
        """Add to the number of *key*; return what it is then.

        Args:
            key: the key.
            by: what is added.
            init: what it is added to where there is no number yet.
            ttl: seconds until a new number expires; 0: never.

        Raises:
            KeyError: there is none, and no *init*.
            TypeError: it is no number.
            MemoryError: there is no room.
        """
        name = _key(key)
        # Before the memory is touched: what is no number fails here.
        by, init = by + 0.0, None if init is None else init + 0.0
        number, err, _ = self.zone.incr(name, by, self._now(), init, _ttl(ttl))
        if number is not None:
            return int(number) if number.is_integer() else number
        if err == b"not found":
            raise KeyError(key)
        raise MemoryError(err) if err == b"no memory" else TypeError(err)

    def ttl(self, key: bytes | str) -> float | None:
        """Return the seconds that *key* has left, 0 for ever, None if it is not."""
        left = self.zone.ttl(_key(key), self._now())
        return None if left is None else left / 1000

    def expire(self, key: bytes | str, ttl: float) -> bool:
        """Let *key* expire in *ttl* seconds; return whether there is one."""
        return self.zone.expire(_key(key), self._now(), _ttl(ttl))

    # Lists ----------------------------------------------------------------------

    def push(
        self, key: bytes | str, value: bytes | str | float, *, left: bool = False
    ) -> int:
        """Add to the list *key*, which is made if need be; return its length.

        Raises:
            TypeError: it is no list, or the value neither bytes nor a number.
            MemoryError: there is no room.
        """
        length, err = self.zone.push(_key(key), _item(value), self._now(), left)
        if err == NOT_A_LIST:
            raise TypeError("value not a list")
        if err:
            raise MemoryError("no memory")
        return length

    def pop(self, key: bytes | str, *, left: bool = False) -> Value | None:
        """Take the last value off the list *key*, or the first; None: no list.

        Raises:
            TypeError: it is no list.
        """
        value, err = self.zone.pop(_key(key), self._now(), left)
        if err:
            raise TypeError("value not a list")
        return None if value is None else _plain(value)

    # All of them ----------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """The declared size in bytes."""
        return self.zone.capacity

    @property
    def free_space(self) -> int:
        """The bytes of the pages that are free."""
        return self.zone.free_space()

    def keys(self) -> list[bytes]:
        """Return the keys; that which was used least recently comes first."""
        return self.zone.keys(self._now())

    def items(self) -> list[tuple[bytes, Entry]]:
        """Return keys and entries as they are at one moment, in that order.

        They are read from a copy of the memory in use, so that workers go on.
        """
        now = self._now()
        entries, refs = self.zone.snapshot()
        return [
            (entries.key(ref), _entry(entries, ref))
            for ref in refs
            if not entries.is_over(ref, now)
        ]

    def clear(self) -> None:
        """Remove everything."""
        self.zone.clear()

    def flush_expired(self) -> int:
        """Remove what has expired; return how many there were."""
        return self.zone.flush_expired(self._now())

    def dump(self) -> bytes:
        """Return all that has not expired, for :meth:`restore`.

        Lines of JSON: a head, then one for each key: the key, the value, the
        flags, and when it expires in seconds since the epoch. Bytes are text
        whose characters are their codes.
        """
        lines = [json.dumps(_HEAD)]
        for key, entry in self.items():
            line = [key.decode("latin-1"), _dumped(entry.value), entry.flags]
            lines.append(json.dumps([*line, entry.expires]))
        return "\n".join([*lines, ""]).encode()

    def restore(self, dumped: bytes) -> None:
        """Set all that :meth:`dump` has returned; other keys stay.

        What has expired meanwhile is left out. Keys are set one by one: other
        workers may see some of them before all are there.

        Raises:
            ValueError: that is no dump, and nothing was set.
            MemoryError: there is no room.
        """
        head, *lines = dumped.splitlines() or [b""]
        if json.loads(head) != _HEAD:
            raise ValueError("no dump of a shared dictionary")
        now = self._now()
        for key, value, flags, expires in [_parsed(line) for line in lines]:
            left = None if expires is None else expires - now
            # None left must not become 0, which is for ever.
            if left is None or left > 0:
                self._restore(key, value, flags, (left or 0) / 1000)

    def _restore(self, key: bytes, value: Any, flags: int, ttl: float) -> None:
        if not isinstance(value, list):
            self.set(key, value, ttl, flags)
            return
        self.delete(key)
        for item in value:
            self.push(key, item)
        if ttl:
            self.expire(key, ttl)

    def check(self) -> list[str]:
        """Return what is wrong with the structure in memory: nothing, one hopes."""
        with self.zone.lock:
            return find_faults(self.zone)

    # As a mapping ---------------------------------------------------------------

    def __getitem__(self, key: bytes | str) -> Any:
        entry = self.entry(key)
        if entry is None:
            raise KeyError(key)
        return entry.value

    def __setitem__(self, key: bytes | str, value: Value | str) -> None:
        self.set(key, value)

    def __delitem__(self, key: bytes | str) -> None:
        self.delete(key)

    def __contains__(self, key: bytes | str) -> bool:
        return self.entry(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    # Inside ---------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock() * 1000 // 1

    def _store(
        self,
        operation: int,
        key: bytes | str,
        value: Value | str,
        ttl: float,
        flags: int,
    ) -> bool:
        err, _ = self.zone.store(
            operation, _key(key), _value(value), self._now(), _ttl(ttl), _flags(flags)
        )
        if err == b"no memory":
            raise MemoryError("no memory")
        return err is None


def _key(key: bytes | str) -> bytes:
    name = key.encode() if isinstance(key, str) else key
    if not 0 < len(name) <= MAX_KEY:
        raise ValueError("empty key" if not name else "key too long")
    return name


def _value(value: Value | str) -> bytes | float | bool:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, (bytes, int, float)):
        raise TypeError("bad value type")
    return value if isinstance(value, (bytes, bool)) else float(value)


def _item(value: bytes | str | float) -> bytes | float:
    """Return what a list holds."""
    item = _value(value)
    if isinstance(item, bool):
        raise TypeError("bad value type")
    return item


def _flags(flags: int) -> int:
    # Of what is no int a range is searched from end to end.
    number = operator.index(flags)
    if number not in _WORD:
        raise ValueError(f"the flags {flags} do not fit 32 bits")
    return number


def _ttl(seconds: float) -> float:
    if not seconds >= 0:
        raise ValueError("a time to live is not negative")
    # One that has no end is none, as in Lua.
    return 0 if math.isinf(seconds * 1000) else seconds * 1000 // 1


def _plain(value: Value) -> Value:
    """Return a number that is whole as an int."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _entry(entries: Entries, ref: int) -> Entry:
    expires = entries.expires(ref)
    value: Any
    if entries.kind(ref) == LIST:
        value = [_plain(item) for item in entries.nodes(ref)]
    else:
        value = entries.value(ref)
        assert value is not None
        value = _plain(value)
    return Entry(value, entries.flags(ref), expires / 1000 if expires else None)


def _dumped(value: Any) -> Any:
    if isinstance(value, list):
        return [_dumped(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


#: What reading something else as a line of a dump raises.
_NO_LINE = (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError)


def _parsed(line: bytes) -> tuple[bytes, Any, int, int | None]:
    """Return key, value, flags and expiry in milliseconds of a line of a dump."""
    try:
        key, value, flags, expires = json.loads(line)
        return (
            _key(key.encode("latin-1")),
            _undumped(value),
            _flags(flags),
            None if expires is None else round(expires * 1000),
        )
    except _NO_LINE as exc:
        raise ValueError(f"no line of a dump: {line[:40]!r}: {exc}") from None


def _undumped(value: Any) -> Any:
    if isinstance(value, list):
        return [_item(_octets(item)) for item in value]
    return _value(_octets(value))


def _octets(value: Any) -> Any:
    return value.encode("latin-1") if isinstance(value, str) else value
