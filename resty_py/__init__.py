"""resty-py: OpenResty without nginx, on Trio.

async with resty_py.open_worker() as worker:
    answer = await worker.run("ngx.sleep(1) return 6 * 7")
"""

from ._version import __version__
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
