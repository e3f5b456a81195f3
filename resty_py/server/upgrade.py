"""Another server that takes the listeners over: ``ngx_exec_new_binary``.

Rules:

1. The listeners' descriptors are named in the environment of the new server,
   ``NGINX=6;7;``, and stay open in it: no client is refused.
2. The pid file of the old one gets the suffix ``.oldbin`` for the new one to
   write its own. If that ends first, the name is given back.
3. Paths of unix domain sockets are taken away by the last of the two.
4. While either is there, neither starts a third; nor does a server whose parent
   is the one that started it, which would not know of the change.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from .listeners import ListenError, inherited_listener
from .log import ALERT, EMERG, NOTICE, failed_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .listeners import Listener
    from .process_log import Reporter
    from .served import Served
    from .surroundings import Surroundings

__all__ = ["VARIABLE", "Upgrade"]

#: The variable that names inherited descriptors: NGINX_VAR.
VARIABLE = "NGINX"

#: The suffix of the pid file of a server that is replaced: NGX_OLDPID_EXT.
OLD = ".oldbin"

_TITLE = "new binary process"


class Upgrade:
    """What a master knows of the server before it and the one after it.

    Args:
        log: is told what happens.
        given: the listeners of another server, as the environment names them; None
            where there is none.

    Attributes:
        is_heir: whether this one has its listeners from another.
        listeners: those that were inherited.
        titles: what processes are called that are no workers.
    """

    def __init__(self, log: Reporter, given: str | None) -> None:
        self._log = log
        self._parent = os.getppid()
        self._child = 0
        self.is_heir = given is not None
        self.listeners = self._inherit(given or "")

    def _inherit(self, given: str) -> tuple[Listener, ...]:
        """Return the listeners of *given*: ``ngx_add_inherited_sockets``."""
        if not given:
            return ()
        self._log.write(NOTICE, os.fsencode(f'using inherited sockets from "{given}"'))
        found = []
        for text in given.replace(":", ";").rstrip(";").split(";"):
            try:
                found.append(inherited_listener(int(text)))
            except ValueError:
                self._complain(f'invalid socket number "{text}" in NGINX environment')
                break
            except (ListenError, OSError) as exc:
                self._complain(f'socket "{text}" cannot be inherited: {exc}')
        return tuple(found)

    def _complain(self, text: str) -> None:
        self._log.write(EMERG, f"{text}, ignoring it".encode())

    @property
    def titles(self) -> Mapping[int, str]:
        """What processes are called that are no workers."""
        return {self._child: _TITLE} if self._child else {}

    @property
    def is_under_way(self) -> bool:
        """Whether another server is there already: rule 4."""
        return bool(self._child) or os.getppid() == self._parent

    @property
    def has_successor(self) -> bool:
        """Whether the new server runs that this one has started."""
        return bool(self._child)

    @property
    def shares_sockets(self) -> bool:
        """Whether the listeners are another server's as well."""
        has_parent = self.is_heir and os.getppid() == self._parent
        return bool(self._child) or has_parent

    def pid_path(self, path: str) -> str:
        """Return where the pid file *path* is now."""
        return path + OLD if self._child else path

    def start(self, cycle: Served, surroundings: Surroundings, mask: set[int]) -> None:
        """Start the new server.

        Args:
            cycle: what this one serves.
            surroundings: where both are started.
            mask: the signals that were blocked when this one was.
        """
        path = cycle.settings["pid"]
        try:
            os.rename(path, path + OLD)
        except OSError as exc:
            call = f"rename {path} to {path}{OLD}"
            why = f'before executing new binary process "{sys.orig_argv[0]}"'
            self._log.write(ALERT, failed_call(call, exc) + b" " + why.encode())
            return
        try:
            pid = os.fork()
        except OSError as exc:
            self._log.write(ALERT, failed_call("fork()", exc))
            os.rename(path + OLD, path)
            return
        if pid == 0:
            self._execute(cycle, surroundings, mask)
        self._child = pid
        self._log.write(NOTICE, f"start {_TITLE} {pid}".encode())

    def _execute(
        self, cycle: Served, surroundings: Surroundings, mask: set[int]
    ) -> None:
        """Become the new server: this is a fork."""
        try:
            listeners = [
                listener for one in cycle.sockets.values() for listener in one.listeners
            ]
            for listener in listeners:
                listener.set_inheritable(True)
            numbers = "".join(f"{listener.fileno()};" for listener in listeners)
            environment = dict(surroundings.environment)
            environment[VARIABLE.encode()] = numbers.encode()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.execve(sys.executable, sys.orig_argv, environment)
        except OSError as exc:
            call = f'execve() failed while executing {_TITLE} "{sys.orig_argv[0]}"'
            reason = failed_call("", exc).partition(b" failed ")[2]
            self._log.write(ALERT, call.encode() + b" " + reason)
        finally:
            os._exit(1)

    def has_ended(self, ended: set[int], cycle: Served) -> bool:
        """Take note of the end of the new server; tell whether it is among *ended*."""
        if self._child not in ended:
            return False
        self._child = 0
        path = cycle.settings["pid"]
        try:
            os.rename(path + OLD, path)
        except OSError as exc:
            call = f"rename() {path}{OLD} back to {path}"
            after = f' after the new binary process "{sys.orig_argv[0]}" exited'
            self._log.write(ALERT, failed_call(call, exc) + after.encode())
        return True
