"""Third-party Lua libraries as their authors wrote them.

Debian installs some lua-resty-* libraries below ``nginx/`` where upstream says
``resty/``. A :class:`Library` is copied byte for byte, under upstream's names,
into a temporary tree that goes on the search path; nothing of it is kept in
the project.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COOKIE",
    "LRUCACHE",
    "MEMCACHED",
    "REDIS",
    "REDIS_CONNECTOR",
    "WEBSOCKET",
    "Library",
    "missing",
    "program",
]

#: Where Debian's packages install Lua code.
SHARE = Path("/usr/share/lua/5.1")


def missing(what: str) -> NoReturn:
    """Skip the test for want of *what*, visibly; in CI that is a failure."""
    message = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def program(name: str, package: str) -> str:
    """Return the path of the program *name*, which Debian's *package* has."""
    return shutil.which(name) or missing(f"{name} (package {package})")


@dataclass(frozen=True)
class Library:
    """A Lua library and the Debian package that has it.

    Attributes:
        name: what its author calls it; the ledger does as well.
        package: Debian's package.
        files: its files by upstream's names, each with Debian's.
    """

    name: str
    package: str
    files: Mapping[str, str]

    def install(self, tree: Path) -> list[str]:
        """Copy the files into *tree*, below upstream's names.

        Returns:
            A line for each: what it is, whence, and its SHA-256.
        """
        return [
            self._install(tree / ours, SHARE / debians)
            for ours, debians in self.files.items()
        ]

    def _install(self, target: Path, source: Path) -> str:
        if not source.exists():
            missing(f"{self.name} (package {self.package})")
        data = source.read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        return f"{self.name}: {source} ({_owner(source)}) sha256 {digest}"


def _owner(path: Path) -> str:
    """Return the package that has installed *path*, and its version."""
    package = _dpkg("--search", str(path)).partition(":")[0]
    return _dpkg("--show", "--showformat=${Package} ${Version}", package)


def _dpkg(*arguments: str) -> str:
    command = [program("dpkg-query", "dpkg"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


COOKIE = Library(
    "lua-resty-cookie", "lua-nginx-cookie", {"resty/cookie.lua": "nginx/cookie.lua"}
)

LRUCACHE = Library(
    "lua-resty-lrucache",
    "lua-resty-lrucache",
    {
        "resty/lrucache.lua": "resty/lrucache.lua",
        "resty/lrucache/pureffi.lua": "resty/lrucache/pureffi.lua",
    },
)

MEMCACHED = Library(
    "lua-resty-memcached",
    "lua-nginx-memcached",
    {"resty/memcached.lua": "nginx/memcached.lua"},
)

REDIS = Library(
    "lua-resty-redis", "lua-nginx-redis", {"resty/redis.lua": "nginx/redis.lua"}
)

# Where files of a library require each other, Debian's have Debian's names.

REDIS_CONNECTOR = Library(
    "lua-resty-redis-connector",
    "lua-nginx-redis-connector",
    {
        "nginx/redis.lua": "nginx/redis.lua",
        "nginx/redis/connector.lua": "nginx/redis/connector.lua",
        "nginx/redis/sentinel.lua": "nginx/redis/sentinel.lua",
    },
)

WEBSOCKET = Library(
    "lua-resty-websocket",
    "lua-nginx-websocket",
    {
        "nginx/websocket/client.lua": "nginx/websocket/client.lua",
        "nginx/websocket/protocol.lua": "nginx/websocket/protocol.lua",
        "nginx/websocket/server.lua": "nginx/websocket/server.lua",
    },
)
