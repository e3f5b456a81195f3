"""Whose rights a worker has, and where it runs: ``ngx_worker_process_init``.

A worker that cannot give up the master's rights must not go on; a priority or a
set of CPUs that cannot be had is said and ignored.
"""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING, Any

from .log import ALERT, EMERG, failed_call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .process_log import Reporter

__all__ = ["drop_rights", "owner", "place"]


def owner(settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the numbers of ``user``, or None where workers are the master's.

    nginx has a user of its own, nobody, where none is named. Here that user
    might not be able to read the program itself: the master's is kept.
    """
    if not settings["user"] or os.geteuid() != 0:
        return None
    user, group = settings["user"]
    return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid


def drop_rights(settings: Mapping[str, Any], log: Reporter) -> bool:
    """Become the user that is configured; tell whether that went well."""
    ids = owner(settings)
    if ids is None:
        return True
    uid, gid = ids
    user = settings["user"][0]
    steps: tuple[tuple[str, Callable[..., None], tuple[Any, ...]], ...] = (
        (f"setgid({gid})", os.setgid, (gid,)),
        (f"initgroups({user}, {gid})", os.initgroups, (user, gid)),
        (f"setuid({uid})", os.setuid, (uid,)),
    )
    for call, step, args in steps:
        try:
            step(*args)
        except OSError as exc:
            log.write(EMERG, failed_call(call, exc))
            return False
    return True


def place(settings: Mapping[str, Any], number: int | None, log: Reporter) -> None:
    """Take the priority and the CPUs that are configured.

    Args:
        settings: those of the main block.
        number: of the worker; None for the privileged agent, which keeps its CPUs.
        log: is told what fails.
    """
    if settings["worker_priority"]:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, settings["worker_priority"])
        except OSError as exc:
            call = f"setpriority({settings['worker_priority']})"
            log.write(ALERT, failed_call(call, exc))
    cpus = None if number is None else _cpus(settings["worker_cpu_affinity"], number)
    if cpus:
        try:
            os.sched_setaffinity(0, cpus)
        except OSError as exc:
            log.write(ALERT, failed_call("sched_setaffinity()", exc))


def _cpus(masks: tuple[str, ...] | None, number: int) -> set[int]:
    """Return the CPUs of a worker: ``ngx_get_cpu_affinity``."""
    if not masks:
        return set()
    if masks[0] == "auto":
        allowed = _bits(masks[1]) if len(masks) > 1 else os.sched_getaffinity(0)
        usable = sorted(allowed)
        return {usable[number % len(usable)]} if usable else set()
    return _bits(masks[min(number, len(masks) - 1)])


def _bits(mask: str) -> set[int]:
    digits = mask.replace(" ", "")
    return {i for i, digit in enumerate(reversed(digits)) if digit == "1"}
