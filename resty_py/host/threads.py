"""Threads for Lua: ``ngx.run_worker_thread``.

A function runs in a thread and a VM of its own; lupa lets go of Python's lock
while Lua runs, so several run at the same time as each other and as the worker.

Rules:

1. The worker's VM and a thread's share no value: arguments and results cross as
   bytes (``lualib/resty_py/thread/copy.lua``).
2. A VM is used by one thread at a time and kept for the next call. At most
   ``lua_worker_thread_vm_pool_size`` are made; one is made in the thread that
   needs it first, so that the loop does not wait for it.
3. A call whose light thread was killed goes on, and its answer is dropped. When
   the worker ends, what has not begun never does; what runs is left to itself,
   and the process does not wait for it.

Source: ngx_http_lua_worker_thread.c, ngx_thread_pool.c.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import trio

from ..vm import VM, HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..conf.settings import ThreadPool
    from .tasks import Post, Tasks

__all__ = ["Threads"]

logger = logging.getLogger("resty_py.host")

#: VMs for threads: lua_worker_thread_vm_pool_size, 100.
MAX_VMS = 100


class _Pool:
    """A thread pool: its threads, and the calls that they have not ended.

    Attributes:
        calls: how many these are, those that wait for a thread included.
    """

    def __init__(self, given: ThreadPool) -> None:
        self._given = given
        self.calls = 0

    @functools.cached_property
    def limiter(self) -> trio.CapacityLimiter:
        """What lets as many calls run as there are threads."""
        return trio.CapacityLimiter(self._given.threads)

    def check(self) -> None:
        """Raise HostError where no more calls may wait: ``ngx_thread_task_post``."""
        # Threads that are idle count as calls less than none.
        waiting = self.calls - self._given.threads
        if waiting >= self._given.max_queue:
            logger.error(
                'thread pool "%s" queue overflow: %d tasks waiting',
                self._given.name,
                waiting,
            )
            raise HostError("ngx_thread_task_post failed")


class _Machine:
    """A VM for threads, which is made when the first call runs in it."""

    def __init__(self, make: Callable[[], VM]) -> None:
        self._make = make
        self._run: Any = None
        self._vm: VM | None = None

    def start(self, settings: Mapping[bytes, Any], path: bytes, cpath: bytes) -> VM:
        vm = self._make()
        module = vm.require("resty_py.thread.vm")
        vm.call(module[b"start"], path, cpath, vm.table(settings))
        self._run = module[b"run"]
        return vm

    def call(
        self,
        call: tuple[Any, ...],
        settings: Mapping[bytes, Any],
        path: bytes,
        cpath: bytes,
    ) -> Any:
        """Run in a thread: return what ``run`` of thread/vm.lua answers."""
        if self._vm is None:
            self._vm = self.start(settings, path, cpath)
        return self._vm.call(self._run, *call)


class Threads:
    """The thread pools of one worker and the VMs of their threads.

    Args:
        pools: as ``thread_pool`` declares them.
        make_vm: makes a VM for a thread.
        settings: those of the http block, by name.
        tasks: those of the worker.
        post: as :class:`~resty_py.host.tasks.Tasks` has it.
    """

    def __init__(
        self,
        pools: Iterable[ThreadPool],
        make_vm: Callable[[], VM],
        settings: Mapping[bytes, Any],
        tasks: Tasks,
        post: Post,
    ) -> None:
        self._pools = {pool.name.encode(): _Pool(pool) for pool in pools}
        self._make_vm = make_vm
        self._settings = _plain(settings)
        self._vms_left = settings.get(b"lua_worker_thread_vm_pool_size", MAX_VMS)
        self._idle: list[_Machine] = []
        self._tasks = tasks
        self._post = post

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the host namespace ``threads``."""
        return {"has": lambda name: name in self._pools, "run": self.run}

    def run(
        self,
        token: int,
        pool: bytes,
        module: bytes,
        function: bytes,
        arguments: bytes | None,
        complaint: bytes | None,
        path: bytes,
        cpath: bytes,
    ) -> bool:
        """Begin a call; the answer, a boolean and bytes, is posted under *token*.

        Args:
            token: of the light thread that waits.
            pool: the name of a thread pool.
            module: the Lua module of the function.
            function: its name there.
            arguments: as ``copy.pack`` made them, or None.
            complaint: what to answer where there are no arguments.
            path: ``package.path`` of the worker's VM, for a VM that is new.
            cpath: ``package.cpath`` of it.

        Raises:
            HostError: there is no VM left, or the queue of the pool is full.
        """
        chosen = self._pools[pool]
        self._check_vms()
        chosen.check()
        machine = self._take()
        chosen.calls += 1
        call = (module, function, arguments, complaint)
        work = (call, self._settings, path, cpath)
        self._tasks.start_soon(self._run, token, chosen, machine, work)
        return True

    def _check_vms(self) -> None:
        if not self._idle and self._vms_left == 0:
            raise HostError("no available Lua vm")

    def _take(self) -> _Machine:
        if self._idle:
            return self._idle.pop()
        self._vms_left -= 1
        return _Machine(self._make_vm)

    async def _run(
        self, token: int, pool: _Pool, machine: _Machine, work: tuple[Any, ...]
    ) -> None:
        try:
            answer = await trio.to_thread.run_sync(
                machine.call, *work, abandon_on_cancel=True, limiter=pool.limiter
            )
        except Exception:
            # The system may be out of threads, memory or descriptors.
            logger.exception("a thread or its Lua VM cannot be made")
            answer = (False, b"internal error")
        pool.calls -= 1
        self._idle.append(machine)
        self._post(token, answer)


def _plain(settings: Mapping[bytes, Any]) -> dict[bytes, Any]:
    """Return the settings that are no tables."""
    plain = (bool, int, float, bytes)
    return {key: value for key, value in settings.items() if isinstance(value, plain)}
