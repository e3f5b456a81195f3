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
        may_wait: whether those that come before :meth:`open` wait for it; else
            they are refused.
    """

    def __init__(self, post: Post, *, may_wait: bool = False) -> None:
        self._post = post
        self._may_wait = may_wait
        self._nursery: trio.Nursery | None = None
        self._waiting: list[tuple[Any, ...]] = []
        self._scopes: dict[int, trio.CancelScope] = {}

    @property
    def are_waiting(self) -> bool:
        """Whether tasks wait for :meth:`open`."""
        return bool(self._waiting)

    def open(self, nursery: trio.Nursery) -> None:
        """Run tasks in *nursery* from now on."""
        self._nursery = nursery
        while self._waiting:
            nursery.start_soon(*self._waiting.pop(0))

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
        scope = trio.CancelScope()
        self.start_soon(self._run, token, scope, function, args)
        self._scopes[token] = scope
        return True

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Run ``function(*args)``, which nothing but the worker's end cancels."""
        if self._nursery is not None:
            self._nursery.start_soon(function, *args)
        elif self._may_wait:
            self._waiting.append((function, *args))
        else:
            raise HostError("the worker does not run yet")

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
