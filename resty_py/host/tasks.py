"""Host tasks: Trio tasks that do what Lua asked for and report back.

Lua parks a light thread under a token (``scheduler/deferred.lua``); a task
works in the worker's nursery; its answer is posted to the worker, which hands
it to Lua at its next turn. Tasks never touch the VM.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from ..vm import HostError, strerror

__all__ = ["Tasks"]

logger = logging.getLogger("resty_py.host")

Post = Callable[[int, tuple[Any, ...]], None]


class Tasks:
    """The host tasks of one worker.

    Args:
        post: called with a token and the answer's values, in the Trio thread.

    Attributes:
        nursery: where they run; None until the worker does.
    """

    nursery: trio.Nursery | None = None

    def __init__(self, post: Post) -> None:
        self._post = post
        self._scopes: dict[int, trio.CancelScope] = {}

    def start(
        self, token: int, function: Callable[..., Awaitable[Any]], *args: Any
    ) -> bool:
        """Begin ``function(*args)``; its answer is posted under *token*.

        A tuple answers several Lua values; HostError and OSError answer
        ``nil, text``; any other exception is logged and answers
        ``nil, "internal error"``.
        """
        if token in self._scopes:
            raise HostError("the token is in use")
        if self.nursery is None:
            raise HostError("the worker does not run yet")
        scope = self._scopes[token] = trio.CancelScope()
        self.nursery.start_soon(self._run, token, scope, function, args)
        return True

    def cancel(self, token: int) -> None:
        """Cancel the task of *token*, if it still runs; it then posts nothing."""
        scope = self._scopes.get(token)
        if scope is not None:
            scope.cancel()

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``tasks``."""
        return {"cancel": self.cancel}

    def __len__(self) -> int:
        """Return how many tasks have not ended."""
        return len(self._scopes)

    async def _run(
        self,
        token: int,
        scope: trio.CancelScope,
        function: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
    ) -> None:
        try:
            # A task that is cancelled before its first step takes none.
            if not scope.cancel_called:
                with scope:
                    self._post(token, await _answer(function, args))
        finally:
            del self._scopes[token]


async def _answer(
    function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]
) -> tuple[Any, ...]:
    try:
        result = await function(*args)
    except HostError as exc:
        return None, str(exc).encode()
    except OSError as exc:
        return None, strerror(exc.errno) if exc.errno else str(exc).encode()
    except Exception:
        logger.exception("host task %s failed", getattr(function, "__qualname__", ""))
        return None, b"internal error"
    return result if isinstance(result, tuple) else (result,)
