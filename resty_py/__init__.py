"""resty-py: OpenResty without nginx, on Trio.

async with resty_py.open_worker() as worker:
    answer = await worker.run("ngx.sleep(1) return 6 * 7")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy_names
from ._version import __version__

if TYPE_CHECKING:
    from .server import Limits, Worker, open_worker, serve
    from .shared_dict import SharedDict
    from .vm import HostError, LuaError

__all__ = [
    "HostError",
    "Limits",
    "LuaError",
    "SharedDict",
    "Worker",
    "__version__",
    "open_worker",
    "serve",
]

__getattr__ = lazy_names(
    __name__,
    {
        "HostError": ".vm",
        "Limits": ".server",
        "LuaError": ".vm",
        "SharedDict": ".shared_dict",
        "Worker": ".server",
        "open_worker": ".server",
        "serve": ".server",
    },
)
