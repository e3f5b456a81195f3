"""Shared dictionaries for Lua: the zones of a worker.

LuaJIT's half (``lualib/resty_py/shm/ffi``) is told where the memory is and comes
back for repairs only. For the others each operation is one host function here
(``lualib/resty_py/shm/host.lua``). Zones are called by number, from 1 on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..shm import memory, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["OWN", "functions", "open_zones"]

#: What names of zones begin with that are no dictionaries of ``ngx.shared``, but
#: the server's own; ``lualib/resty_py/shm/zone.lua`` has it too.
OWN = b"\0"


def open_zones(
    declared: Iterable[tuple[bytes, int]],
    former: Mapping[bytes, zone.Zone] | None = None,
) -> dict[bytes, zone.Zone]:
    """Return zones by name.

    Args:
        declared: their names and sizes.
        former: zones that are there already: one of the same name and size is
            taken as it is.

    Raises:
        OSError: there is not enough memory.
    """
    zones = {}
    for name, size in declared:
        known = (former or {}).get(name)
        is_same = known is not None and known.capacity == size
        zones[name] = known if known and is_same else zone.Zone(name, size)
    return zones


def functions(
    zones: Mapping[bytes, zone.Zone], *, prefer_ffi: bool = True
) -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``shm`` of one VM.

    Args:
        zones: by name.
        prefer_ffi: whether Lua may reach the memory itself.
    """
    names, places = list(zones), list(zones.values())

    def describe(number: int) -> tuple[bytes, int, int, int | None]:
        """Return name, size and address of a zone, and of the hash function."""
        place = places[number - 1]
        address = memory.hash_address() if prefer_ffi else None
        return names[number - 1], place.capacity, place.memory.address, address

    def call(method: str) -> Callable[..., Any]:
        def operation(number: int, *args: Any) -> Any:
            return getattr(places[number - 1], method)(*args)

        return operation

    return {
        "count": lambda: len(places),
        "describe": describe,
        "keys": lambda number, *args: _joined(places[number - 1].keys(*args)),
        "push": lambda number, *args: _length(*places[number - 1].push(*args)),
        "pop": lambda number, *args: _popped(*places[number - 1].pop(*args)),
        "repair": lambda number: places[number - 1].repair(),
        **{name: call(name) for name in _OPERATIONS},
    }


def _joined(keys: list[bytes]) -> tuple[bytes, int]:
    """Return all keys, each after its size in two bytes, and how many there are."""
    parts = (len(key).to_bytes(2, "little") + key for key in keys)
    return b"".join(parts), len(keys)


def _length(length: int, err: bytes | None) -> int | None:
    return None if err == zone.NOT_A_LIST else length


def _popped(value: Any, err: bytes | None) -> tuple[Any, bool]:
    return value, err is not None


_OPERATIONS = (
    "get",
    "store",
    "swap",
    "incr",
    "ttl",
    "expire",
    "llen",
    "flush_all",
    "flush_expired",
    "free_space",
)
