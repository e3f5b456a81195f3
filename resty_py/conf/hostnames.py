"""Sets of host names with wildcards: nginx's ``ngx_hash_keys_arrays_t``."""

from __future__ import annotations

__all__ = ["Hostnames", "is_hostname"]


def is_hostname(name: str) -> bool:
    """Tell whether *name* is a name, or a mask with ``*`` at one of its ends."""
    if ".." in name or "\0" in name or name.count("*") > 1:
        return False
    if "*" not in name:
        return True
    return len(name) > 2 and (name.startswith("*.") or name.endswith(".*"))


class Hostnames:
    """Names that must differ: ``ngx_hash_add_key``.

    ``*.x`` stands for all names below x, ``.x`` for x too, ``x.*`` for x below
    any name.
    """

    def __init__(self) -> None:
        self._exact: set[str] = set()
        self._below: set[str] = set()
        self._above: set[str] = set()

    def add(self, name: str, *, masks: bool = True) -> bool:
        """Add *name* and tell whether it was new.

        Args:
            name: in lower case, and a hostname where *masks* count.
            masks: whether dots and stars at its ends mean something.
        """
        if masks and len(name) > 1 and name.startswith("."):
            return _add(self._exact, name[1:]) and _add(self._below, name[1:])
        if masks and len(name) > 2 and name.startswith("*."):
            return _add(self._below, name[2:])
        if masks and len(name) > 2 and name.endswith(".*"):
            return _add(self._above, name[:-2])
        return _add(self._exact, name)


def _add(names: set[str], name: str) -> bool:
    if name in names:
        return False
    names.add(name)
    return True
