"""Runs of Lua that a program's tasks wait for: what Worker.run asks for."""

from __future__ import annotations

from typing import Any

import trio

from ..vm import LuaError, from_lua

__all__ = ["Job", "is_reference", "stopped_error"]


def stopped_error() -> trio.ClosedResourceError:
    """Return what ends a run whose worker has stopped."""
    return trio.ClosedResourceError("the worker has stopped")


def is_reference(code: str) -> bool:
    """Return whether *code* is ``module:function``, and no source."""
    module, colon, function = code.partition(":")
    return (
        bool(colon)
        and function.isidentifier()
        and all(part.replace("-", "_").isidentifier() for part in module.split("."))
    )


class Job:
    """A run of Lua that a task waits for."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self._results: list[Any] = []
        self._error: Exception | None = None

    def finish(self, ok: bool, results: tuple[Any, ...]) -> None:
        """End it with what Lua returned, or with the lines of its error."""
        if not ok:
            text = b"\n".join(filter(None, results))
            self.fail(LuaError(text.decode(errors="replace")))
            return
        try:
            self._results = [from_lua(result) for result in results]
        except (TypeError, ValueError) as exc:
            self._error = exc
        self.done.set()

    def fail(self, error: Exception) -> None:
        """End it with *error*."""
        self._error = error
        self.done.set()

    def result(self) -> Any:
        """Return what :meth:`Worker.run` does; raise what failed."""
        if self._error is not None:
            raise self._error
        if len(self._results) > 1:
            return tuple(self._results)
        return self._results[0] if self._results else None
