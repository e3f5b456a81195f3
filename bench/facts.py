"""What a result depends on: the machine and the version of everything."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from resty_py import __version__

from .process import cores
from .servers import ServerKind, serve

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["facts", "readable_versions"]


def facts(kinds: Iterable[ServerKind]) -> dict[str, str]:
    """Return facts by name, those of the servers by their own account.

    Raises:
        BenchError: a server did not start.
    """
    server_core, load_core = cores()
    return {
        "CPU": _cpu(),
        "Cores": f"server on {server_core}, load and Redis on {load_core}",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "resty-py": f"{__version__}, lupa {version('lupa')}, trio {version('trio')}",
        **{f"{kind.name} says": _ask_versions(kind) for kind in kinds},
        "wrk": _first_match(["wrk", "--version"], r"wrk \S*?([\d.]+\S*)"),
        "Redis": _first_match(["redis-server", "--version"], r"v=(\S+)"),
    }


def readable_versions(answer: str) -> str:
    """Turn what apps/versions.lua answered into words.

    nginx and lua-nginx-module number 1.2.3 as 1002003.
    """
    nginx, ngx_lua, lua = answer.strip().split(" ", 2)
    return f"nginx {_dotted(nginx)}, lua-nginx-module {_dotted(ngx_lua)}, {lua}"


def _dotted(number: str) -> str:
    rest, patch = divmod(int(number), 1000)
    major, minor = divmod(rest, 1000)
    return f"{major}.{minor}.{patch}"


def _ask_versions(kind: ServerKind) -> str:
    with serve(kind, "versions") as server:
        return readable_versions(server.ask().decode())


def _cpu() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1] if model else platform.machine()


def _first_match(command: list[str], pattern: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "not installed"
    match = re.search(pattern, done.stdout + done.stderr)
    return match[1] if match else "unknown"
