"""Ports that blocks name themselves: two blocks that use one take turns.

Files that run side by side have ports of their own for their servers, but what a
block writes, ``listen 12345`` or ``tcp_listen: 1234``, is a port for everybody.
"""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .suite import Block

__all__ = ["Ports", "ports_of"]

_LISTEN = re.compile(r"\blisten\s+(?:\S*:)?(\d+)\b")


def ports_of(block: Block) -> set[int]:
    """Return the ports that a block names.

    Raises:
        BlockError: a section has no value.
    """
    text = block.configuration("http_config") + block.configuration("config")
    named = {int(port) for port in _LISTEN.findall(text)}
    for section in ("tcp_listen", "udp_listen"):
        value = block.configuration(section).strip()
        named |= {int(value)} if value.isdigit() else set()
    return named


class Ports:
    """Who uses which port: shared by all that run blocks at the same time."""

    def __init__(self) -> None:
        self._used: set[int] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, ports: Iterable[int]) -> Iterator[None]:
        """Wait until nobody uses any of some ports; keep them meanwhile."""
        wanted = set(ports)
        with self._changed:
            self._changed.wait_for(lambda: not wanted & self._used)
            self._used |= wanted
        try:
            yield
        finally:
            with self._changed:
                self._used -= wanted
                self._changed.notify_all()
