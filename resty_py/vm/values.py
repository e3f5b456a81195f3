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


def to_lua(vm: VM, value: Any, depth: int = 0) -> Any:
    """Copy *value* into what Lua takes.

    str becomes a UTF-8 string; lists, tuples and dicts become tables. Numbers,
    booleans, bytes, None, and Lua's own values go as they are.

    Raises:
        TypeError: *value* is of another type.
        OverflowError: an integer has more than 64 bits.
        ValueError: tables nest deeper than :data:`MAX_DEPTH`; a key is no number.
    """
    if depth > MAX_DEPTH:
        raise ValueError("table nested too deep")
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError(f"{value} does not fit a Lua integer")
    if value is None or isinstance(value, (bytes, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        if any(key != key for key in value):  # Lua's C API would panic
            raise ValueError("NaN cannot be a key of a table")
        deeper = depth + 1
        return vm.table(
            {to_lua(vm, k): to_lua(vm, v, deeper) for k, v in value.items()}
        )
    if isinstance(value, (list, tuple)):
        return vm.table({i: to_lua(vm, v, depth + 1) for i, v in enumerate(value, 1)})
    if type(value).__module__.startswith("lupa."):
        return value
    raise TypeError(f"{type(value).__name__} cannot be given to Lua")


def from_lua(value: Any, depth: int = 0) -> Any:
    """Copy what Lua gave: tables become lists (1…n) or dicts, ngx.null None.

    Raises:
        TypeError: *value* is, or holds, a function, userdata or a coroutine; a
            table is a key.
        ValueError: tables nest deeper than :data:`MAX_DEPTH`.
    """
    if not _is_table(value):
        return _scalar(value)
    if depth > MAX_DEPTH:
        raise ValueError("table nested too deep")
    items = {_scalar(key): from_lua(item, depth + 1) for key, item in value.items()}
    if items and all(i in items for i in range(1, len(items) + 1)):
        return [items[i] for i in range(1, len(items) + 1)]
    return items


#: What lupa calls the types of live objects; any other one is of userdata.
_LIVE = {
    "_LuaTable": "a table as a key",
    "_LuaFunction": "a Lua function",
    "_LuaCoroutineFunction": "a Lua coroutine",
    "_LuaThread": "a Lua coroutine",
}


#: How lupa shows ngx.null: userdata at no address.
_NULL = "<Lua userdata>"


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (bytes, bool, int, float)):
        return value
    if repr(value) == _NULL:
        return None
    what = _LIVE.get(type(value).__name__, "Lua userdata")
    raise TypeError(f"{what} cannot be given to Python")


def _is_table(value: Any) -> bool:
    return type(value).__name__ == "_LuaTable"
