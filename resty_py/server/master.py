"""The master: it opens configurations and forks workers that serve them.

Follows ``ngx_master_process_cycle``, ``ngx_signal_handler`` and
``ngx_init_cycle``:

1. The master is a plain loop that waits for signals, which are blocked
   otherwise. It has no thread, and a Trio loop only while it opens a
   configuration: a fork would copy neither.
2. Its VM has run ``init_by_lua`` and nothing else; each worker is a fork of it
   and shares its memory as long as neither writes there. Python's collector
   does not look at what is frozen, so it does not write there either.
3. TERM and INT tell all to end, again and again with growing pauses, and at last
   by KILL. QUIT lets them finish. The master ends when they have.
4. HUP opens the new configuration beside the old one; if that fails, the old one
   goes on as if nothing had been. Else new workers start, and those of before
   are told to finish.
5. A worker that ends is started again (:mod:`~resty_py.server.children`).
6. USR2 starts another server that takes the listeners over
   (:mod:`~resty_py.server.upgrade`); WINCH lets workers finish, and HUP has them
   back.
7. A worker whose Lua does not come back is no hindrance
   (:mod:`~resty_py.server.patience`).
"""

from __future__ import annotations

import gc
import logging
import math
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from . import pidfile
from .channel import QUIT, TERMINATE
from .children import Children, Seat
from .counter import SharedCounter
from .cycle import StartError
from .daemon import detach
from .log import CRIT, NOTICE, route_logging, unroute_logging
from .patience import Patience
from .privileges import owner
from .process_log import redirect_stderr
from .role import AGENT, MASTER, WORKER, Role
from .scoreboard import Scoreboard
from .titles import set_title
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from .channel import Channel
    from .process_log import ProcessLog
    from .served import Served
    from .surroundings import Surroundings
    from .upgrade import Upgrade

__all__ = ["Manners", "Master"]

logger = logging.getLogger("resty_py.server")

_ACTIONS = {
    signal.SIGCHLD: "",
    signal.SIGHUP: ", reconfiguring",
    signal.SIGINT: ", exiting",
    signal.SIGQUIT: ", shutting down",
    signal.SIGTERM: ", exiting",
    signal.SIGUSR1: ", reopening logs",
    signal.SIGUSR2: ", changing binary",
    signal.SIGWINCH: ", stop accepting connections",
}

#: Seconds between two times that workers are told to end: the first, and the
#: longest, after which they are killed.
FIRST_DELAY, LAST_DELAY = 0.05, 1.0

#: Seconds that new workers have at most before those of before are told to
#: finish: nginx waits for so long in any case.
HEAD_START = 0.1

#: Why USR2 is ignored while another server is there.
TWO_ALREADY = (
    "you should shutdown or terminate before either old or new binary's process"
)

#: Exit codes: it could not start; it could not be what it should.
FAILED, FATAL = 1, 2


@dataclass(frozen=True)
class Manners:
    """How a master differs from nginx's.

    Attributes:
        name: that of the program, for titles.
        arguments: its command line, for the title and for an upgrade.
        gentle: signals that are taken for QUIT the first time.
        no_upgrade: why USR2 is ignored, if it always is.
    """

    name: str = "nginx"
    arguments: tuple[str, ...] = ()
    gentle: frozenset[int] = frozenset()
    no_upgrade: str = ""


@dataclass
class _Wishes:
    """What signals ask for."""

    terminate: bool = False
    quit: bool = False
    reload: bool = False
    reopen: bool = False
    upgrade: bool = False
    retire: bool = False
    restart: bool = False
    is_retired: bool = False


@dataclass
class _Ending:
    """How far the end by TERM has come: seconds, and a time."""

    delay: float = 0.0
    next: float = field(default=-math.inf)


C = TypeVar("C", bound="Served")


class Master(Generic[C]):
    """A master process.

    Args:
        open_cycle: opens the first configuration, or the one after another,
            with a role; raises :class:`StartError` where it cannot.
        surroundings: those of the process.
        log: its log.
        clock: of every worker's loop.
        manners: how it differs from nginx's.
        upgrade: what is known of other servers that share the listeners.
    """

    def __init__(
        self,
        open_cycle: Callable[[C | None, Role], C],
        surroundings: Surroundings,
        log: ProcessLog,
        clock: trio.abc.Clock,
        manners: Manners,
        upgrade: Upgrade,
    ) -> None:
        self._open_cycle = open_cycle
        self._surroundings = surroundings
        self._log = log
        self._clock = clock
        self._manners = manners
        self._upgrade = upgrade
        self._board = Scoreboard()
        self._counter = SharedCounter()
        self._children = Children(self._board, log, self._become)
        self._patience = Patience(self._board, self._children, log)
        self._wishes = _Wishes()
        self._ending = _Ending()
        self._generation = 0
        self._is_daemon = False
        self._mask: set[int] = set()
        self._cycle: C

    # Starting -------------------------------------------------------------------

    def open(self) -> None:
        """Open the first configuration.

        Raises:
            StartError: it cannot be opened.
        """
        role = self._next_role(0)
        self._cycle = self._open_cycle(None, role)

    def _next_role(self, number: int | None) -> Role:
        """Return the role of the next VM.

        While the first one runs ``init_by_lua`` it is number 0, as in nginx.
        """
        self._generation += 1
        return Role(
            MASTER,
            number,
            board=self._board,
            generation=self._generation,
            counter=self._counter,
        )

    def run(self) -> int:
        """Serve until a signal ends it, in the background if so configured.

        Returns:
            The exit code.
        """
        ready = None
        try:
            if self._cycle.settings["daemon"] and not self._upgrade.is_heir:
                ready = detach(self._log)
                if ready is None:
                    return FAILED
                self._adopt_sockets()
            self._is_daemon = ready is not None or self._upgrade.is_heir
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ACTIONS)
            return self._run(ready)
        finally:
            self._close_sockets()
            self._cycle.worker.close()
            self._cycle.logs.close()

    def _adopt_sockets(self) -> None:
        for one in self._cycle.sockets.values():
            for listener in one.listeners:
                listener.adopt()

    def _run(self, ready: Callable[[], None] | None) -> int:
        settings = self._cycle.settings
        if settings["pid"] and not pidfile.create(settings["pid"], self._log):
            return FAILED
        redirect_stderr(self._cycle.logs)
        self._log.leave_stderr()
        set_title(
            self._manners.name, "master process " + " ".join(self._manners.arguments)
        )
        try:
            self._start_workers()
            if ready is not None:
                ready()
            while not self._is_over():
                with route_logging(self._cycle.logs.main):
                    self._step()
        finally:
            if path := self._cycle.settings["pid"]:
                pidfile.remove(self._upgrade.pid_path(path), self._log)
            self._log.write(NOTICE, b"exit")
        return 0

    def _start_workers(self) -> None:
        """Fork the workers of the configuration in force."""
        self._log.write(NOTICE, b"start worker processes")
        role = self._cycle.worker.role
        seats = [
            Seat(WORKER, number, self._generation)
            for number in range(self._cycle.worker_count)
        ]
        if role.agent_connections is not None:
            seats.append(Seat(AGENT, None, self._generation))
        role.number = None
        _settle_memory()
        # What is not written yet would be by each of them.
        sys.stdout.flush()
        sys.stderr.flush()
        for seat in seats:
            self._children.start(seat)

    def _become(self, seat: Seat, row: int, channel: Channel) -> NoReturn:
        """Be the process of a seat: this is a fork."""
        unroute_logging()
        orders = channel.keep_worker_end()
        self._cycle.worker.role.become(seat.kind, seat.number, row)
        worker = WorkerProcess(
            self._cycle,
            orders,
            self._surroundings,
            self._log,
            self._mask,
            self._manners.name,
            self._manners.gentle,
        )
        worker.run(self._clock)

    # The loop -------------------------------------------------------------------

    def _is_over(self) -> bool:
        wishes = self._wishes
        return not self._children.are_alive and (wishes.terminate or wishes.quit)

    def _step(self) -> None:
        """Wait for a signal or a time, and do what there is to do."""
        self._wait()
        self._reap()
        wishes = self._wishes
        if wishes.terminate:
            self._terminate()
            return
        self._patience.look(self._cycle.settings["worker_patience"])
        if wishes.quit:
            self._quit()
        else:
            self._children.start_due()
            self._serve_wishes()

    def _serve_wishes(self) -> None:
        wishes = self._wishes
        if wishes.reload:
            wishes.reload = False
            self._reload()
        if wishes.restart:
            wishes.restart = False
            self._start_workers()
        if wishes.reopen:
            wishes.reopen = False
            self._reopen()
        if wishes.upgrade:
            wishes.upgrade = False
            self._log.write(NOTICE, b"changing binary")
            self._upgrade.start(self._cycle, self._surroundings, self._mask)
        if wishes.retire:
            wishes.retire = False
            wishes.is_retired = True
            self._children.forget_due()
            self._children.send(QUIT)

    def _wait(self) -> None:
        """Take all signals that are there, or wait for one."""
        timeout = self._timeout()
        found: signal.struct_siginfo | None
        if timeout is None:
            found = signal.sigwaitinfo(_ACTIONS)
        else:
            found = signal.sigtimedwait(_ACTIONS, max(0.0, timeout))
        while found is not None:
            self._take(found)
            found = signal.sigtimedwait(_ACTIONS, 0)

    def _timeout(self) -> float | None:
        """Return the seconds until there is something to do without a signal."""
        now = time.monotonic()
        if self._wishes.terminate:
            return self._ending.next - now
        start = None if self._wishes.quit else self._children.next_start
        when = self._patience.next_look(now)
        when = when if start is None else min(when, start)
        return None if when == math.inf else when - now

    def _take(self, found: signal.struct_siginfo) -> None:
        """Note what a signal asks for."""
        caught = signal.Signals(found.si_signo)
        action = self._note(caught)
        sender = f" from {found.si_pid}" if found.si_pid else ""
        text = f"signal {caught.value} ({caught.name}) received{sender}{action}"
        self._log.write(NOTICE, text.encode())
        if caught == signal.SIGUSR2 and "ignoring" in action:
            reason = self._manners.no_upgrade or TWO_ALREADY
            text = f"the changing binary signal is ignored: {reason}"
            self._log.write(CRIT, text.encode())

    def _note(self, caught: signal.Signals) -> str:
        """Note a wish and return what is said of it."""
        wishes, action = self._wishes, _ACTIONS[caught]
        if caught in self._manners.gentle and not wishes.quit:
            wishes.quit = True
            return _ACTIONS[signal.SIGQUIT]
        if caught == signal.SIGQUIT:
            wishes.quit = True
        elif caught in (signal.SIGTERM, signal.SIGINT):
            wishes.terminate = True
        elif caught == signal.SIGHUP:
            wishes.reload = True
        elif caught == signal.SIGUSR1:
            wishes.reopen = True
        elif caught == signal.SIGUSR2:
            if self._manners.no_upgrade or self._upgrade.is_under_way:
                return ", ignoring"
            wishes.upgrade = True
        elif caught == signal.SIGWINCH:
            # A terminal that changes its size says so, too.
            wishes.retire = self._is_daemon
            return action if self._is_daemon else ""
        return action

    def _reap(self) -> None:
        wishes = self._wishes
        is_going_on = not (wishes.terminate or wishes.quit or wishes.is_retired)
        generation = self._generation if is_going_on else None
        ended = self._children.reap(generation, self._upgrade.titles)
        if self._upgrade.has_ended(ended, self._cycle) and wishes.is_retired:
            wishes.is_retired, wishes.restart = False, True

    # Ending ---------------------------------------------------------------------

    def _terminate(self) -> None:
        """Tell all to end, with growing pauses, and at last end them."""
        now, ending = time.monotonic(), self._ending
        if now < ending.next:
            return
        ending.delay = 2 * ending.delay if ending.delay else FIRST_DELAY
        if ending.delay > LAST_DELAY:
            self._children.signal(signal.SIGKILL)
        else:
            self._children.send(TERMINATE)
        ending.next = now + ending.delay

    def _quit(self) -> None:
        self._children.send(QUIT)
        self._close_sockets()

    def _close_sockets(self) -> None:
        """Close the listeners; those that another server has keep their paths."""
        with self._surroundings.at_home():
            if self._upgrade.shares_sockets:
                for one in self._cycle.sockets.values():
                    for listener in one.listeners:
                        listener.disown()
            self._cycle.close_sockets()

    # Wishes ---------------------------------------------------------------------

    def _reload(self) -> None:
        if self._upgrade.has_successor:
            self._wishes.is_retired = False
            self._start_workers()
            return
        self._log.write(NOTICE, b"reconfiguring")
        former, role = self._cycle, self._next_role(None)
        try:
            self._cycle = self._open_cycle(former, role)
        except Exception as exc:
            if not isinstance(exc, StartError):
                logger.critical("the configuration cannot be opened", exc_info=True)
            self._generation -= 1
            self._log.use(former.logs.main)
            return
        self._wishes.is_retired = False
        self._children.forget_due()
        self._replace_files(former)
        # What is left of it would be left in the new workers as well.
        former.worker.close()
        former.logs.close()
        del former
        self._start_workers()
        self._let_begin()
        old = [one for one in self._children if one.seat.generation < role.generation]
        self._children.send(QUIT, old)

    def _let_begin(self) -> None:
        """Wait until the new workers accept, but not for long."""
        until = time.monotonic() + HEAD_START
        wanted = self._cycle.worker_count
        while self._board.count_accepting(self._generation) < wanted:
            if time.monotonic() > until:
                return
            time.sleep(HEAD_START / 50)

    def _replace_files(self, former: C) -> None:
        new, old = self._cycle.settings["pid"], former.settings["pid"]
        if new != old:
            pidfile.remove(old, self._log)
        former.close_sockets(but=self._cycle.sockets.values())
        redirect_stderr(self._cycle.logs)

    def _reopen(self) -> None:
        self._log.write(NOTICE, b"reopening logs")
        self._cycle.logs.reopen(owner(self._cycle.settings))
        redirect_stderr(self._cycle.logs)
        self._children.reopen()


def _settle_memory() -> None:
    """Free what is not used; what is left is shared, and not looked at again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
