"""Faults and the traces they must not leave.

:func:`faulty` serves an app in which something goes wrong; when the block is
over the worker must serve the next request and hold what it held before: no
descriptor, connection, light thread, timer, deadline, job or task more.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING

import trio
import trio.testing
from server_wire import Wire, patience, request, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from server_wire import Peer

#: What the apps of these tests answer to the request after the fault.
NEXT = """
if ngx.var.uri == "/next" then
    ngx.req.read_body()
    return ngx.say("next")
end
"""

#: l_onoff, l_linger: close() sends RST.
_RST_ON_CLOSE = struct.pack("ii", 1, 0)

#: Virtual seconds between two looks, where the clock is one that jumps.
_LOOK_AGAIN = 1


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds."""
    is_virtual = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
    with patience():
        while not condition():
            if is_virtual:
                await trio.sleep(_LOOK_AGAIN)
            else:
                await trio.testing.wait_all_tasks_blocked()


def holdings(server: Wire) -> dict[str, int]:
    """Return what *server* and this process hold."""
    open_files = len(os.listdir("/proc/self/fd"))
    return server.worker.stats() | {"open_files": open_files}


async def serves_next(server: Wire) -> None:
    """Assert that another client is served."""
    (answer,) = await server.ask(request("GET", "/next", "Connection: close"))
    assert (answer.status, answer.body) == (200, b"next\n")


async def holds_only(server: Wire, before: dict[str, int]) -> None:
    """Assert that *server* comes to hold what it held *before*."""
    with contextlib.suppress(trio.TooSlowError):
        await eventually(lambda: holdings(server) == before)
    assert holdings(server) == before


@contextlib.asynccontextmanager
async def faulty(
    lua: str, folder: Path, flavour: str, **settings: str
) -> AsyncIterator[Wire]:
    """Serve *lua* while the block lasts, and see that it leaves no traces."""
    async with wire(NEXT + lua, folder, flavour, **settings) as server:
        await serves_next(server)
        await eventually(lambda: server.worker.stats()["connections"] == 0)
        before = holdings(server)
        yield server
        await serves_next(server)
        await holds_only(server, before)


async def logged(server: Wire, text: str) -> None:
    """Wait until a line ``level: message`` of the error log has *text* in it."""

    def found() -> bool:
        return any(text in line for line in server.log)

    with contextlib.suppress(trio.TooSlowError):
        await eventually(found)
    assert found(), f"no {text!r} in {server.log}"


def statuses(server: Wire) -> list[int]:
    """Return the statuses in the access log, without those of "/next"."""
    server.worker.logs.drain()
    lines = (server.folder / "access.log").read_text().splitlines()
    return [int(line.split('" ')[1][:3]) for line in lines if "/next" not in line]


async def close(peer: Peer) -> None:
    """Close the client's end: FIN, where it has read all that came."""
    await peer.stream.aclose()


async def reset(peer: Peer) -> None:
    """Close the client's end with RST."""
    peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    await peer.stream.aclose()
