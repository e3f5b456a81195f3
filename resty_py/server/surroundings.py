"""What a configuration makes of its process: environment, limits, folder.

Rules, those of ``ngx_set_environment`` and ``ngx_worker_process_init``:

1. Lua has the environment of the command, and what ``env`` sets, while
   ``init_by_lua`` runs; later only TZ and what ``env`` names.
2. A limit that cannot be set is said and ignored; a ``working_directory``
   that cannot be entered is fatal where a server starts.
3. Relative paths of a command are relative to where it was started, so
   whatever opens files goes back there: :meth:`Surroundings.at_home`.
"""

from __future__ import annotations

import contextlib
import os
import resource
from typing import TYPE_CHECKING, Any

from ..conf.lexer import to_bytes
from .log import ALERT, failed_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .process_log import Reporter

__all__ = ["SameSurroundings", "Surroundings"]

_LIMITS = {
    "worker_rlimit_nofile": ("RLIMIT_NOFILE", resource.RLIMIT_NOFILE),
    "worker_rlimit_core": ("RLIMIT_CORE", resource.RLIMIT_CORE),
}


class Surroundings:
    """The environment and the folder that the command was given.

    Attributes:
        environment: that environment.
    """

    def __init__(self) -> None:
        self.environment = dict(os.environb)
        self._home = self._here = _open_folder(".")

    def close(self) -> None:
        """Forget the folders."""
        for fd in {self._home, self._here}:
            os.close(fd)

    def prepare(self, settings: Mapping[str, Any]) -> None:
        """Make the environment that ``init_by_lua`` sees."""
        _replace_environment(self.environment | _assigned(settings["env"]))

    def enter(self, settings: Mapping[str, Any], log: Reporter) -> bool:
        """Make what the configuration asks for.

        Args:
            settings: those of the main block.
            log: is told what fails.

        Returns:
            Whether the process is where it should be: rule 2.
        """
        _replace_environment(_kept(settings["env"], self.environment))
        self.limit(settings, log)
        here = self._enter_folder(settings["working_directory"], log)
        if here is None:
            return False
        former, self._here = self._here, here
        if former != self._home:
            os.close(former)
        _change_folder(here)
        return True

    def _enter_folder(self, folder: str | None, log: Reporter) -> int | None:
        """Return a descriptor of the folder to be in; None if it cannot be entered."""
        if folder is None:
            return self._home
        with self.at_home():
            try:
                return _open_folder(folder)
            except OSError as exc:
                log.write(ALERT, failed_call(f'chdir("{folder}")', exc))
                return None

    def limit(self, settings: Mapping[str, Any], log: Reporter) -> None:
        """Set the limits that are configured."""
        for directive, (name, number) in _LIMITS.items():
            if settings[directive] is not None:
                _limit(name, number, settings[directive], log)

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """Be in the command's folder for a while."""
        _change_folder(self._home)
        try:
            yield
        finally:
            _change_folder(self._here)


class SameSurroundings(Surroundings):
    """Those of a command that changes none of them."""

    def enter(self, _settings: Mapping[str, Any], _log: Reporter) -> bool:
        """Leave everything as it is."""
        return True

    def limit(self, _settings: Mapping[str, Any], _log: Reporter) -> None:
        """Leave everything as it is."""


def _assigned(env: tuple[tuple[str, str | None], ...]) -> dict[bytes, bytes]:
    return {
        to_bytes(name): to_bytes(value)
        for name, value in reversed(env)
        if value is not None
    }


def _kept(
    env: tuple[tuple[str, str | None], ...], given: Mapping[bytes, bytes]
) -> dict[bytes, bytes]:
    """Return what is left of *given*; of several ``env`` the first one counts."""
    kept: dict[bytes, bytes] = {}
    for name, value in (*env, ("TZ", None)):
        key = to_bytes(name)
        found = given.get(key) if value is None else to_bytes(value)
        if found is not None:
            kept.setdefault(key, found)
    return kept


def _replace_environment(environment: Mapping[bytes, bytes]) -> None:
    for name in os.environb.keys() - environment.keys():
        del os.environb[name]
    for name, value in environment.items():
        # A name that libc refuses is one that nobody could ask for.
        with contextlib.suppress(OSError, ValueError):
            os.environb[name] = value


def _limit(name: str, number: int, value: int, log: Reporter) -> None:
    try:
        resource.setrlimit(number, (value, value))
    except (OSError, ValueError) as exc:
        call = f"setrlimit({name}, {value})"
        log.write(ALERT, failed_call(call, _os_error(exc)))


def _os_error(exc: OSError | ValueError) -> OSError:
    # Python says "not allowed to raise maximum limit" where libc says EPERM.
    return exc if isinstance(exc, OSError) else PermissionError(1, os.strerror(1))


def _change_folder(fd: int) -> None:
    """Go into a folder, unless the rights for it have been given up meanwhile."""
    with contextlib.suppress(PermissionError):
        os.fchdir(fd)


def _open_folder(path: str) -> int:
    """Return a descriptor of a folder that may be entered; raises OSError."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fchdir(fd)
    except OSError:
        os.close(fd)
        raise
    return fd
