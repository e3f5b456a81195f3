"""The worker: one loop that owns one Lua VM.

The loop hands the VM whatever is ready, in one call a turn; the VM resumes
light threads until all are parked and says until when it has nothing to do.
All descriptors of the VM are in one epoll instance, which is itself readable
when any of them is: one wait serves them all. A Trio task takes the turns where
a program of its own has a worker, and :class:`~resty_py.server.loop.Loop` where
the process is there to serve.

Rules:

1. Only the loop calls into the VM, in :meth:`Worker.step`. Other tasks queue
   calls; an eventfd that is in the epoll too wakes the loop.
2. One cancel scope serves many waits: its deadline moves, which is cheaper
   than a new scope each turn. A fresh one replaces it once it has fired.
3. A turn that has more to do is followed by a checkpoint, not by a wait, so
   that other Trio tasks get their share.
4. Values are copied where they are given: a program's into Lua by the task
   that gives them, so that it is told of one that cannot be, Lua's into
   Python by the loop's task (:mod:`resty_py.vm.values`).
5. What fails in a queued call is logged and ends that call, not the loop.
6. A worker may be forked before its loop has run (:meth:`Worker.go_on_forked`):
   the process that made it keeps a VM that others can be forked from.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
from typing import TYPE_CHECKING, Any

import trio

from ..host import (
    base64,
    cipher,
    clock,
    deflate,
    digest,
    files,
    inflate,
    net,
    null,
    passwords,
    process,
    regex,
    shm,
    static,
    threads,
    tls,
)
from ..host.sys import Poller
from ..host.tasks import Tasks
from ..http import reader
from ..vm import VM, HostError, LuaError, find_flavour, from_lua, to_lua
from .calls import Bell, Calls
from .jobs import Job, is_reference, stopped_error
from .loop import MORE, OVER, Loop
from .names import Names
from .role import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from ..conf.program import Program
    from ..shared_dict import SharedDict
    from ..shm.zone import Zone
    from .listeners import Listener
    from .logs import Logs

__all__ = ["Worker"]

logger = logging.getLogger("resty_py.worker")


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
        role: which process it is in; None: the only one.
        blocking_warning: seconds after which it is logged that Lua keeps the
            worker from everything else, and where; 0: never.

    Raises:
        UnknownFlavourError: no such flavour here.
        LuaError: the program cannot run: ``init_by_lua`` has an error.
        OSError: there is no memory for *zones*.

    Attributes:
        zones: the memory of its shared dictionaries by name.
        role: which process it is in.
        at_end: called before ``exit_worker_by_lua``.
        on_quit: called when Lua asks the process to finish: :meth:`stop`.
    """

    #: Whether host tasks that come before the loop runs wait for it.
    tasks_may_wait = False
    #: Whether Lua's output goes to stdout: it is a console's worker.
    is_console = False

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
        role: Role | None = None,
        blocking_warning: float = 0,
    ) -> None:
        self.prefix = prefix
        self.role = role or Role()
        self._blocking_warning = blocking_warning
        self.zones = shm.open_zones(program.shared_dicts) if zones is None else zones
        self._clock = self._clock_functions(prefer_ffi=prefer_ffi)
        self._app_settings = app_settings or {}
        self.logs = logs
        self._poller = Poller(prefer_ffi=prefer_ffi)
        self._bell = Bell()
        self._tasks = Tasks(self._complete, may_wait=self.tasks_may_wait)
        self._tls = tls.Contexts()
        self._jobs: dict[int, Job] = {}
        self._last_token = 0
        self._provided: dict[bytes, Callable[..., Awaitable[Any]]] = {}
        self._stopping = False
        self._has_begun = False
        self.at_end: Callable[[], None] = lambda: None
        self.on_quit: Callable[[], None] = self.stop
        chosen = find_flavour(flavour)
        self._names = Names(resolvers, program.resolvers, self._tasks)
        self._processes = process.Processes()
        self._threads = threads.Threads(
            program.thread_pools,
            lambda: VM(chosen, self._thread_host(chosen, prefer_ffi)),
            program.table[b"settings"],
            self._tasks,
            self._complete,
        )
        self.vm = VM(
            chosen,
            self._host(chosen, prefer_ffi),
            path,
            package_path=program.package_path,
            package_cpath=program.package_cpath,
        )
        self._calls = Calls(self.vm, self._bell)
        if captured := program.table[b"settings"].get(b"lua_capture_error_log"):
            logs.capture(captured)
        self._lua = self.vm.require("resty_py.worker")
        self._turn = self._lua[b"turn"]
        self._deliver = self._lua[b"deliver"]
        self._refresh = self._lua[b"refresh"]
        self._begin_exit = self._lua[b"begin_exit"]
        self._start(program)

    # Making -----------------------------------------------------------------

    def _clock_functions(self, *, prefer_ffi: bool) -> dict[str, Callable[..., Any]]:
        return clock.loop_functions(prefer_ffi=prefer_ffi)

    @functools.cached_property
    def _stopped(self) -> trio.Event:
        return trio.Event()

    def _host(
        self, flavour: Any, prefer_ffi: bool
    ) -> dict[str, Mapping[str, Callable[..., Any]]]:
        return {
            "access": self.logs.access_functions(),
            "base64": base64.functions(),
            "cipher": cipher.functions(),
            "deflate": deflate.functions(),
            "inflate": inflate.functions(),
            "clock": self._clock,
            "digest": digest.functions(),
            "dns": self._names.functions(),
            "files": files.functions(),
            "http": reader.functions(),
            "jobs": {"done": self._job_done},
            "log": self.logs.error_functions(),
            "net": net.functions(),
            "null": null.functions(flavour),
            "passwords": passwords.functions(),
            "process": self._processes.functions(),
            "regex": regex.functions(),
            "shm": shm.functions(self.zones, prefer_ffi=prefer_ffi),
            "static": static.functions(),
            "provided": {"call": self._call_provided},
            "sys": self._poller.functions(),
            "tasks": self._tasks.functions(),
            "tls": tls.functions(self._tls),
            "threads": self._threads.functions(),
            "worker": {
                "bell": lambda: self._bell.fd,
                "quit": lambda: self.on_quit(),
                "hostname": lambda: os.uname().nodename.encode(),
                "root": lambda: os.fsencode(self.prefix),
                "configure": _configure,
                **self.role.functions(),
            },
        }

    def _thread_host(
        self, flavour: Any, prefer_ffi: bool
    ) -> dict[str, Mapping[str, Callable[..., Any]]]:
        """Return what a VM of a thread may ask for, at any time."""
        return {
            "base64": base64.functions(),
            "cipher": cipher.functions(),
            "clock": self._clock,
            "digest": digest.functions(),
            "log": self.logs.error_functions(),
            "null": null.functions(flavour),
            "process": process.functions(),
            "regex": regex.functions(),
            "shm": shm.functions(self.zones, prefer_ffi=prefer_ffi),
            "worker": {
                "pid": os.getpid,
                "root": lambda: os.fsencode(self.prefix),
                "configure": _configure,
            },
        }

    def _start(self, program: Program) -> None:
        try:
            given = program.table | {b"is_console": self.is_console}
            table = to_lua(self.vm, given)
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
        self.serve_loaded(self.load_app(app), listener)

    def load_app(self, app: Path | bytes) -> Any:
        """Return what answers requests with *app*, as :meth:`serve` takes it."""
        if isinstance(app, bytes):
            return self.vm.load(app, "=content_by_lua")
        return self.vm.load_file(app.resolve())

    def serve_loaded(self, handler: Any, listener: Listener) -> None:
        """Answer every request that comes by *listener* with a loaded app."""
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
            TypeError: an argument cannot be given to Lua, or a result, such as a
                function, to Python.
            ValueError: the tables it returned nest too deep.
            trio.ClosedResourceError: the worker has stopped, or did meanwhile.

        Cancelling the call kills the light thread.
        """
        if self._stopped.is_set():
            raise stopped_error()
        is_source = not is_reference(code)
        self._last_token += 1
        token = self._last_token
        self._calls.put(
            self._lua[b"start_job"], token, code, is_source, "=(run)", *args
        )
        job = self._jobs[token] = Job()
        try:
            await job.done.wait()
        except trio.Cancelled:
            self._calls.put(self._lua[b"cancel_job"], token)
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
        from ..shared_dict import SharedDict

        now = self._clock["now"]
        return {
            os.fsdecode(name): SharedDict.of(zone, lambda: now()[1])
            for name, zone in self.zones.items()
            if not name.startswith(shm.OWN)
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
        self.role.retire()
        # Lua may ask for it: looking the function up would re-enter the VM.
        self._calls.put(self._begin_exit)

    def stop_now(self) -> None:
        """End :meth:`run_loop` after the current turn."""
        self.role.retire()
        self._stopping = True
        self._bell.ring()

    def go_on_forked(self) -> None:
        """Have descriptors of its own, in a fork of the process that made it.

        Before the loop runs and before it listens: rule 6. The role is that of
        the fork already.

        Raises:
            OSError: there are no more descriptors.
        """
        self._poller.renew()
        self._bell.renew()
        self.vm.call(self._lua[b"forked"])
        self._turn = self.role.counted(self._turn)

    # The loop -----------------------------------------------------------------

    async def run_loop(self, nursery: trio.Nursery) -> None:
        """Drive the VM until it has stopped.

        Args:
            nursery: where host tasks run.
        """
        self._tasks.open(nursery)
        with self._watch_blocking():
            await self._run_loop()

    @contextlib.contextmanager
    def _watch_blocking(self) -> Iterator[None]:
        if not self._blocking_warning:
            yield
            return
        from .blocking import Blocking

        blocking = Blocking(self.vm, self._blocking_warning, logger.warning)
        self._turn = blocking.watched(self._turn)
        with blocking.watching():
            yield

    async def _run_loop(self) -> None:
        try:
            self.begin()
            if Loop.current is not None:
                await Loop.current.drive(self.step, self._poller.fd)
            while not self._stopping:
                with trio.CancelScope() as scope:
                    await self._turns(scope)
            self.end()
        finally:
            self._stopped.set()
            for job in self._jobs.values():
                if not job.done.is_set():
                    job.fail(stopped_error())

    def begin(self) -> None:
        """Run ``init_worker_by_lua``, once."""
        if not self._has_begun:
            self._has_begun = True
            self._run_hook(b"init_worker")

    def _run_hook(self, name: bytes) -> None:
        self.role.counted(self.vm.call)(self._lua[b"run_hook"], name)

    def end(self) -> None:
        """Run ``exit_worker_by_lua``."""
        self.at_end()
        self._run_hook(b"exit_worker")

    async def wait_stopped(self) -> None:
        """Wait until :meth:`run_loop` has ended."""
        await self._stopped.wait()

    async def _turns(self, scope: trio.CancelScope) -> None:
        while (due := self.step()) != OVER:
            if due == MORE:
                await trio.lowlevel.checkpoint()
                continue
            if due != scope.deadline:
                scope.deadline = due
            await trio.lowlevel.wait_readable(self._poller.fd)

    def step(self) -> float:
        """Take a turn; return until when there is nothing to do, MORE or OVER."""
        if self._stopping:
            return OVER
        if self._calls.waiting:
            self._make_calls()
        due: float = self._turn()
        if due == OVER:
            self._stopping = True
        # Lua may have queued a call in the turn, whose ring is not heard again.
        elif self._calls.waiting:
            return MORE
        return due if due in (MORE, OVER) else min(due, self._flushed())

    def _flushed(self) -> float:
        """Flush the logs if it is time; return when it is next."""
        deadline = self.logs.deadline
        if deadline != math.inf and deadline <= trio.current_time():
            self.logs.flush()
            deadline = self.logs.deadline
        return deadline

    def _make_calls(self) -> None:
        # What the calls arm counts from now, not from the last turn.
        self._refresh()
        self._calls.make()

    def close(self) -> None:
        """Close every descriptor of the worker; its VM is not used after."""
        if self._bell.fd is not None:
            self._processes.close()
            self.vm.call(self._lua[b"close"])
            self._tls.close()
            self._poller.close()
            self._bell.close()

    # Host functions -------------------------------------------------------------

    def _complete(self, token: int, answer: tuple[Any, ...]) -> None:
        try:
            self._calls.put(self._deliver, token, *answer)
        except (TypeError, ValueError, OverflowError):
            logger.exception("a host task's answer is no value for Lua")
            self._calls.put(self._deliver, token, None, b"internal error")

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


def _opened(listener: Listener) -> tuple[int, bytes]:
    """Return a descriptor of the listener for the VM to keep, and its name."""
    return os.dup(listener.fileno()), str(listener.address).encode()


def _configure() -> bytes:
    """Return what nginx would have been built with: its modules are many to load."""
    from ..conf.configure import arguments

    return "".join(f" {argument}" for argument in arguments()).encode()
