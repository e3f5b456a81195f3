"""Where Lua code is found: the runtime's own lualib and the usual trees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .flavours import Flavour

__all__ = ["LUALIB", "package_cpath", "package_path"]


def _find_lualib() -> Path:
    package = Path(__file__).resolve().parent.parent
    installed = package / "lualib"
    return installed if installed.is_dir() else package.parent / "lualib"


#: The directory of the runtime's own Lua code, in a wheel or a checkout.
LUALIB = _find_lualib()

_VERSIONS = {"lua52": "5.2", "lua53": "5.3", "lua54": "5.4", "lua55": "5.5"}


def _version(flavour: Flavour) -> str:
    return _VERSIONS.get(flavour.name, "5.1")


def _trees(flavour: Flavour) -> list[str]:
    """Return the share trees: OpenResty's, luarocks' and Debian's."""
    version = _version(flavour)
    openresty = ["/usr/local/openresty/site/lualib", "/usr/local/openresty/lualib"]
    shared = ["lua_modules/share/lua", "/usr/local/share/lua", "/usr/share/lua"]
    # Almost every lua-resty library is installed for 5.1; the shim makes the
    # newer flavours read it.
    versions = [version] if version == "5.1" else [version, "5.1"]
    return openresty + [f"{tree}/{v}" for tree in shared for v in versions]


def package_path(flavour: Flavour, first: Iterable[Path | str] = ()) -> str:
    """Return ``package.path``: *first*, then lualib, then the usual trees."""
    folders = [*map(str, first), str(LUALIB), *_trees(flavour)]
    return ";".join(f"{folder}/?.lua;{folder}/?/init.lua" for folder in folders)


def package_cpath(flavour: Flavour, first: Iterable[Path | str] = ()) -> str:
    """Return ``package.cpath`` for compiled modules of *flavour*'s version."""
    version = _version(flavour)
    folders = [
        *map(str, first),
        "/usr/local/openresty/site/lualib",
        "/usr/local/openresty/lualib",
        f"lua_modules/lib/lua/{version}",
        f"/usr/local/lib/lua/{version}",
        f"/usr/lib/x86_64-linux-gnu/lua/{version}",
        f"/usr/lib/aarch64-linux-gnu/lua/{version}",
        f"/usr/lib/lua/{version}",
    ]
    return ";".join(f"{folder}/?.so" for folder in folders)
