"""The worker: one Trio task that owns one Lua VM.

The loop hands the VM whatever is ready, in one call a turn; the VM resumes
light threads until all are parked and says until when it has nothing to do.
All descriptors of the VM are in one epoll instance, which is itself readable
when any of them is: one Trio wait serves them all.

Rules:

1. Only the loop's task calls into the VM, in :meth:`Worker.run_loop`. Other
   tasks queue calls; an eventfd that is in the epoll too wakes the loop.
2. One cancel scope serves many waits: its deadline moves, which is cheaper
   than a new scope each turn. A fresh one replaces it once it has fired.
3. A turn that has more to do is followed by a checkpoint, not by a wait, so
   that other Trio tasks get their share.
4. Values are copied where they are given: a program's into Lua by the task
   that gives them, so that it is told of one that cannot be, Lua's into
   Python by the loop's task (:mod:`resty_py.vm.values`).
5. What fails in a queued call is logged and ends that call, not the loop.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any

import trio

from ..host import (
    base64,
    cipher,
    clock,
    digest,
    files,
    net,
    null,
    regex,
    shm,
    static,
)
from ..host.dns import Resolver, nameserver
from ..host.sys import Poller
from ..host.tasks import Tasks
from ..http import reader
from ..shared_dict import SharedDict
from ..vm import VM, HostError, LuaError, find_flavour, from_lua, to_lua

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from ..conf import settings
    from ..conf.program import Program
    from ..shm.zone import Zone
    from .listeners import Listener
    from .logs import Logs

__all__ = ["Worker"]

logger = logging.getLogger("resty_py.worker")

#: What turn() answers in place of a deadline, kept equal to worker.lua's.
_MORE, _OVER = 0, -1


class Worker:
    """A VM and the loop that drives it.

    Making one loads the program and runs its ``init_by_lua``; it needs no Trio.

    Args:
        program: what it serves.
        logs: where its lines go; its owner closes them.
        prefix: what relative paths of Lua code are relative to.
        flavour: a Lua flavour's name, or None for the best one.
        path: folders that come first on ``package.path``.
        resolvers: nameservers where the program names none; none: names resolve
            as libc does it.
        app_settings: what is in force for the apps that :meth:`serve` serves.
        prefer_ffi: use LuaJIT's FFI for system calls where there is one.
        zones: the memory of its shared dictionaries by name, which others may
            use as well; None: new ones, as the program declares them.

    Raises:
        UnknownFlavourError: no such flavour here.
        LuaError: the program cannot run: ``init_by_lua`` has an error.
        OSError: there is no memory for *zones*.

    Attributes:
        zones: the memory of its shared dictionaries by name.
    """

    def __init__(
        self,
        program: Program,
        logs: Logs,
        *,
        prefix: Path,
        flavour: str | None = None,
        path: tuple[Path | str, ...] = (),
        resolvers: tuple[str, ...] = (),
        app_settings: Mapping[bytes, Any] | None = None,
        prefer_ffi: bool = True,
        zones: Mapping[bytes, Zone] | None = None,
    ) -> None:
        self.prefix = prefix
        self.zones = shm.open_zones(program.shared_dicts) if zones is None else zones
        self._clock = clock.loop_functions(prefer_ffi=prefer_ffi)
        self._app_settings = app_settings or {}
        self.logs = logs
        self._poller = Poller(prefer_ffi=prefer_ffi)
        self._bell: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._tasks = Tasks(self._complete)
        self._resolver = Resolver(list(resolvers) or None)
        self._resolvers = tuple(map(_resolver, program.resolvers))
        self._calls: deque[tuple[Any, list[Any]]] = deque()
        self._jobs: dict[int, _Job] = {}
        self._last_token = 0
        self._provided: dict[bytes, Callable[..., Awaitable[Any]]] = {}
        self._stopping = False
        self._stopped = trio.Event()
        chosen = find_flavour(flavour)
        self.vm = VM(
            chosen,
            self._host(chosen, prefer_ffi),
            path,
            package_path=program.package_path,
            package_cpath=program.package_cpath,
        )
        if captured := program.table[b"settings"].get(b"lua_capture_error_log"):
            logs.capture(captured)
        self._lua = self.vm.require("resty_py.worker")
        self._turn = self._lua[b"turn"]
        self._deliver = self._lua[b"deliver"]
        self._refresh = self._lua[b"refresh"]
        self._begin_exit = self._lua[b"begin_exit"]
        self._start(program)

    # Making -----------------------------------------------------------------

    def _host(
        self, flavour: Any, prefer_ffi: bool
    ) -> dict[str, Mapping[str, Callable[..., Any]]]:
        return {
            "access": self.logs.access_functions(),
            "base64": base64.functions(),
            "cipher": cipher.functions(),
            "clock": self._clock,
            "digest": digest.functions(),
            "dns": {"resolve": self._resolve},
            "files": files.functions(),
            "http": reader.functions(),
            "jobs": {"done": self._job_done},
            "log": self.logs.error_functions(),
            "net": net.functions(),
            "null": null.functions(flavour),
            "regex": regex.functions(),
            "shm": shm.functions(self.zones, prefer_ffi=prefer_ffi),
            "static": static.functions(),
            "provided": {"call": self._call_provided},
            "sys": self._poller.functions(),
            "tasks": self._tasks.functions(),
            "worker": {
                "bell": lambda: self._bell,
                "kind": lambda: b"single",
                "master_pid": os.getpid,
                "quit": self.stop,
                "pid": os.getpid,
                "hostname": lambda: os.uname().nodename.encode(),
                "root": lambda: os.fsencode(self.prefix),
            },
        }

    def _start(self, program: Program) -> None:
        try:
            table = to_lua(self.vm, program.table)
            answer = self.vm.call(self._lua[b"start"], table)
            if answer is not True:
                raise LuaError(answer[1].decode(errors="surrogateescape"))
        except LuaError:
            self.close()
            raise

    # Using ------------------------------------------------------------------

    def listen(self, number: int, listener: Listener) -> None:
        """Serve an endpoint of the program; before the loop runs, or from its task.

        Args:
            number: its index in the program's list of endpoints.
            listener: from :func:`~resty_py.server.listeners.open_listener`;
                the worker takes a copy of its descriptor.

        Raises:
            OSError: there are no more descriptors.
        """
        self.vm.call(self._lua[b"listen"], *_opened(listener), number + 1)

    def serve(self, app: Path | bytes, listener: Listener) -> None:
        """Answer every request that comes by *listener* with *app*.

        Call it before the loop runs, or from the loop's task.

        Args:
            app: a Lua file, or source text; compiled once, run in a light
                thread per request as ``content_by_lua_file`` does.
            listener: as :meth:`listen` takes it.

        Raises:
            LuaError: the app does not compile.
            OSError: the file cannot be read.
        """
        if isinstance(app, bytes):
            handler = self.vm.load(app, "=content_by_lua")
        else:
            handler = self.vm.load_file(app.resolve())
        table = to_lua(self.vm, self._app_settings)
        self.vm.call(self._lua[b"listen_app"], *_opened(listener), table, handler)

    async def run(self, code: str, *args: Any) -> Any:
        """Run Lua in a light thread of its own and return what it returns.

        Args:
            code: Lua source, or ``"module:function"`` to call a function of
                a module.
            args: None, booleans, numbers, str, bytes, lists and dicts.

        Returns:
            None, one value, or a tuple of several. Lua strings are bytes;
            tables are lists or dicts.

        Raises:
            LuaError: the code failed to load or run.
            TypeError: an argument cannot be given to Lua.
            ValueError: the tables it returned nest too deep.
            trio.ClosedResourceError: the worker has stopped, or did meanwhile.

        Cancelling the call kills the light thread.
        """
        if self._stopped.is_set():
            raise _stopped_error()
        is_source = not _is_reference(code)
        self._last_token += 1
        token = self._last_token
        self.call_soon(self._lua[b"start_job"], token, code, is_source, "=(run)", *args)
        job = self._jobs[token] = _Job()
        try:
            await job.done.wait()
        except trio.Cancelled:
            self.call_soon(self._lua[b"cancel_job"], token)
            raise
        finally:
            del self._jobs[token]
        return job.result()

    def provide(self, name: str, function: Callable[..., Awaitable[Any]]) -> None:
        """Make an async function callable from Lua.

        ``require("resty_py.host").call(name, …)`` parks the light thread until
        *function* returns. It runs as a task beside the worker, is cancelled
        when the light thread is killed, answers ``nil, text`` when it raises
        :class:`HostError`, and several results when it returns a tuple.
        """
        self._provided[name.encode()] = function

    @property
    def shared_dicts(self) -> dict[str, SharedDict]:
        """The dictionaries of ``ngx.shared``, on the worker's clock."""
        now = self._clock["now"]
        return {
            os.fsdecode(name): SharedDict.of(zone, lambda: now()[1])
            for name, zone in self.zones.items()
        }

    def stats(self) -> dict[str, int]:
        """Return what the worker has in hand, for tests and monitoring.

        Returns:
            ``connections``: clients. ``descriptors``: those, the listeners and
            every cosocket, idle ones included. ``threads``: light threads.
            ``timers`` and ``running_timers``: ``ngx.timer.pending_count()`` and
            ``running_count()``. ``deadlines``: entries of the timer heap;
            those disarmed count until they lapse. ``jobs``: calls of
            :meth:`run`. ``tasks``: host tasks.
        """
        counts = from_lua(self.vm.call(self._lua[b"stats"]))
        stats = {name.decode(): count for name, count in counts.items()}
        return stats | {"tasks": len(self._tasks)}

    def stop(self) -> None:
        """Begin to stop: serve what was begun, run timers out, then end."""
        # Lua may ask for it: looking the function up would re-enter the VM.
        self.call_soon(self._begin_exit)

    def stop_now(self) -> None:
        """End :meth:`run_loop` after the current turn."""
        self._stopping = True
        self._ring()

    # The loop -----------------------------------------------------------------

    async def run_loop(self, nursery: trio.Nursery) -> None:
        """Drive the VM until it has stopped.

        Args:
            nursery: where host tasks run.
        """
        self._tasks.nursery = nursery
        run_hook = self._lua[b"run_hook"]
        try:
            self.vm.call(run_hook, b"init_worker")
            while not self._stopping:
                with trio.CancelScope() as scope:
                    await self._turns(scope)
            self.vm.call(run_hook, b"exit_worker")
        finally:
            self._stopped.set()
            for job in self._jobs.values():
                if not job.done.is_set():
                    job.fail(_stopped_error())

    async def wait_stopped(self) -> None:
        """Wait until :meth:`run_loop` has ended."""
        await self._stopped.wait()

    async def _turns(self, scope: trio.CancelScope) -> None:
        wait_readable = trio.lowlevel.wait_readable
        poller = self._poller.fd
        while not self._stopping:
            if self._calls:
                self._make_calls()
            deadline = self._turn()
            if deadline == _MORE:
                await trio.lowlevel.checkpoint()
                continue
            if deadline == _OVER:
                self._stopping = True
                return
            self._arm(scope, deadline)
            await wait_readable(poller)

    def _arm(self, scope: trio.CancelScope, deadline: float) -> None:
        flush = self.logs.deadline
        if flush < deadline:
            if flush <= trio.current_time():
                self.logs.flush()
                flush = self.logs.deadline
            deadline = min(deadline, flush)
        if deadline != scope.deadline:
            scope.deadline = deadline

    def call_soon(self, function: Any, *args: Any) -> None:
        """Queue a call into the VM for the loop's next turn.

        Raises:
            TypeError, ValueError, OverflowError: an argument cannot be given to
                Lua.
        """
        self._calls.append((function, [to_lua(self.vm, arg) for arg in args]))
        self._ring()

    def _make_calls(self) -> None:
        # What the calls arm counts from now, not from the last turn.
        self._refresh()
        while self._calls:
            function, args = self._calls.popleft()
            try:
                self.vm.call(function, *args)
            except LuaError:
                logger.exception("a call into Lua failed")

    def _ring(self) -> None:
        if self._bell is not None:
            os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Close every descriptor of the worker; its VM is not used after."""
        if self._bell is not None:
            self.vm.call(self._lua[b"close"])
            self._poller.close()
            os.close(self._bell)
            self._bell = None

    # Host functions -------------------------------------------------------------

    def _complete(self, token: int, answer: tuple[Any, ...]) -> None:
        try:
            self.call_soon(self._deliver, token, *answer)
        except (TypeError, ValueError, OverflowError):
            logger.exception("a host task's answer is no value for Lua")
            self.call_soon(self._deliver, token, None, b"internal error")

    def _resolve(
        self, token: int, name: bytes, timeout: float, number: int | None = None
    ) -> bool:
        """Look *name* up with a resolver of the program, or with the other one."""
        resolver = self._resolver if number is None else self._resolvers[number]
        return self._tasks.start(token, _look_up, resolver, name, timeout)

    def _call_provided(self, token: int, name: bytes, *args: Any) -> bool:
        try:
            function = self._provided[name]
        except KeyError:
            raise HostError(
                f'no function "{name.decode(errors="replace")}" is provided'
            ) from None
        return self._tasks.start(token, function, *map(from_lua, args))

    def _job_done(self, token: int, ok: bool, *results: Any) -> None:
        job = self._jobs.get(token)
        if job is not None:
            job.finish(ok, results)


def _resolver(given: settings.Resolver) -> Resolver:
    names = [nameserver(host, port) for host, port in given.servers]
    return Resolver(names, ipv6=given.ipv6, valid=given.valid or None)


async def _look_up(resolver: Resolver, name: bytes, timeout: float) -> tuple[Any, ...]:  # noqa: ASYNC109
    addresses = await resolver.resolve(name, timeout)
    return len(addresses), *(part for address in addresses for part in address)


def _opened(listener: Listener) -> tuple[int, bytes]:
    """Return a descriptor of the listener for the VM to keep, and its name."""
    return os.dup(listener.fileno()), str(listener.address).encode()


def _stopped_error() -> trio.ClosedResourceError:
    return trio.ClosedResourceError("the worker has stopped")


def _is_reference(code: str) -> bool:
    module, colon, function = code.partition(":")
    return (
        bool(colon)
        and function.isidentifier()
        and all(part.replace("-", "_").isidentifier() for part in module.split("."))
    )


class _Job:
    """A run of Lua that a task waits for."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self._results: list[Any] = []
        self._error: Exception | None = None

    def finish(self, ok: bool, results: tuple[Any, ...]) -> None:
        if not ok:
            text = b"\n".join(filter(None, results))
            self.fail(LuaError(text.decode(errors="replace")))
            return
        try:
            self._results = [from_lua(result) for result in results]
        except ValueError as exc:
            self._error = exc
        self.done.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self.done.set()

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        if len(self._results) > 1:
            return tuple(self._results)
        return self._results[0] if self._results else None
