"""Where Lua code is found: the runtime's own lualib and the usual trees."""

from __future__ import annotations

import os
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

#: Libraries in which the host does what their originals do by FFI. They are found
#: first where there is no FFI, else only where the originals are not installed.
TWINS = LUALIB / "twins"

#: Libraries that stand in for others where these are not installed.
FALLBACKS = LUALIB / "fallbacks"


def _trees(flavour: Flavour) -> list[str]:
    """Return the share trees: OpenResty's, luarocks' and Debian's."""
    version = flavour.version
    openresty = ["/usr/local/openresty/site/lualib", "/usr/local/openresty/lualib"]
    shared = ["lua_modules/share/lua", "/usr/local/share/lua", "/usr/share/lua"]
    # Almost every lua-resty library is installed for 5.1; the shim makes the
    # newer flavours read it.
    versions = [version] if version == "5.1" else [version, "5.1"]
    return openresty + [f"{tree}/{v}" for tree in shared for v in versions]


def package_path(
    flavour: Flavour, first: Iterable[Path | str] = (), given: str | None = None
) -> str:
    """Return ``package.path``.

    Args:
        flavour: whose trees are looked at.
        first: folders that come first.
        given: ``lua_package_path``, in which ``;;`` stands for the usual trees,
            or None for those. The runtime's own modules are always found.
    """
    usual = _lua_files([".", *_trees(flavour)])
    usual = _from_environment("LUA_PATH", flavour, usual)
    rest = usual if given is None else _with_default(given, usual)
    own, last = [*map(str, first), str(LUALIB)], [str(FALLBACKS)]
    (last if flavour.has_ffi else own).append(str(TWINS))
    return f"{_lua_files(own)};{rest};{_lua_files(last)}"


def _lua_files(folders: Iterable[str]) -> str:
    return ";".join(f"{folder}/?.lua;{folder}/?/init.lua" for folder in folders)


def _with_default(given: str, usual: str) -> str:
    return given.replace(";;", f";{usual};", 1).strip(";")


def package_cpath(
    flavour: Flavour, first: Iterable[Path | str] = (), given: str | None = None
) -> str:
    """Return ``package.cpath`` for compiled modules of *flavour*'s version.

    The arguments are those of :func:`package_path`.
    """
    usual = _usual_cpath(flavour)
    rest = usual if given is None else _with_default(given, usual)
    return ";".join([*(f"{folder}/?.so" for folder in first), rest])


def _from_environment(name: str, flavour: Flavour, default: str) -> str:
    """Return what a variable of the environment says, as every Lua reads it.

    From 5.2 on one with the version in its name comes first, such as
    ``LUA_PATH_5_4``. ``;;`` stands for *default*.
    """
    version = flavour.version.replace(".", "_")
    versioned = name if version == "5_1" else f"{name}_{version}"
    given = os.environ.get(versioned, os.environ.get(name))
    return default if given is None else _with_default(given, default)


def _usual_cpath(flavour: Flavour) -> str:
    version = flavour.version
    folders = [
        ".",
        "/usr/local/openresty/site/lualib",
        "/usr/local/openresty/lualib",
        f"lua_modules/lib/lua/{version}",
        f"/usr/local/lib/lua/{version}",
        f"/usr/lib/x86_64-linux-gnu/lua/{version}",
        f"/usr/lib/aarch64-linux-gnu/lua/{version}",
        f"/usr/lib/lua/{version}",
    ]
    default = ";".join(f"{folder}/?.so" for folder in folders)
    return _from_environment("LUA_CPATH", flavour, default)
