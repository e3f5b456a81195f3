"""Values between Python programs and Lua: copies, never live objects.

Used where a program hands over arguments and results, not by host functions
of the data path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .vm import VM

__all__ = ["from_lua", "to_lua"]

#: How deep tables may nest: a table that contains itself ends here.
MAX_DEPTH = 64


def to_lua(vm: VM, value: Any) -> Any:
    """Copy *value* into what Lua takes.

    str becomes a UTF-8 string; lists, tuples and dicts become tables. Numbers,
    booleans, bytes, None, and Lua's own values go as they are.

    Raises:
        TypeError: *value* is of another type.
        OverflowError: an integer has more than 64 bits.
    """
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError(f"{value} does not fit a Lua integer")
    if value is None or isinstance(value, (bytes, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return vm.table({to_lua(vm, k): to_lua(vm, v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return vm.table({i: to_lua(vm, v) for i, v in enumerate(value, 1)})
    if type(value).__module__.startswith("lupa."):
        return value
    raise TypeError(f"{type(value).__name__} cannot be given to Lua")


def from_lua(value: Any, depth: int = 0) -> Any:
    """Copy what Lua gave: tables become lists (1…n) or dicts.

    Raises:
        ValueError: tables nest deeper than :data:`MAX_DEPTH`.
    """
    if not _is_table(value):
        return value
    if depth > MAX_DEPTH:
        raise ValueError("table nested too deep")
    items = {key: from_lua(item, depth + 1) for key, item in value.items()}
    if items and all(i in items for i in range(1, len(items) + 1)):
        return [items[i] for i in range(1, len(items) + 1)]
    return items


def _is_table(value: Any) -> bool:
    return type(value).__name__ == "_LuaTable"
