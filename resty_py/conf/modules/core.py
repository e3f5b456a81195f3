"""The main block: nginx's core, events, error log and thread pools."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING

from ..kinds import (
    MSEC,
    NOTHING,
    NUMBER,
    OFFSET,
    PATH,
    TEXT,
    enum,
)
from ..listen import parse_network
from ..settings import ErrorLog, ThreadPool
from ..syslog import PREFIX as SYSLOG
from ..syslog import read_syslog
from ..table import ANYWHERE, Command, Kind, Module
from ..values import parse_number
from .shorthand import EVENTS, INERT, LATER, LOCAL, MAIN, flag

if TYPE_CHECKING:
    from ..reading import Call

__all__ = ["HTTP_ERROR_LOG", "INCLUDE", "MODULES"]

LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug")
DEBUG_LEVELS = tuple(
    f"debug_{part}"
    for part in ("core", "alloc", "mutex", "event", "http", "mail", "stream")
)

#: The largest number of CPUs: CPU_SETSIZE.
MAX_CPUS = 1024

EVENT_METHODS = ("epoll", "select", "poll")


def _read_error_log(call: Call) -> ErrorLog:
    path = call.args[0]
    if path.startswith("memory:"):
        raise call.not_yet(f'"error_log {path}"')
    syslog = read_syslog(call, path) if path.startswith(SYSLOG) else None
    level = _level(call)
    if syslog is not None:
        return ErrorLog(path, level, syslog)
    return ErrorLog(None if path == "stderr" else call.full_name(path), level)


def _level(call: Call) -> str:
    chosen = ""
    for level in call.args[1:]:
        if level in LEVELS:
            if chosen:
                raise call.error(f'duplicate log level "{level}"')
            chosen = level
        elif level not in DEBUG_LEVELS or chosen not in ("", *DEBUG_LEVELS):
            raise call.error(f'invalid log level "{level}"')
        else:
            chosen = level
    return chosen.partition("_")[0] or "error"


def _read_worker_processes(call: Call) -> int:
    try:
        text = call.args[0]
        return (os.cpu_count() or 1) if text == "auto" else parse_number(text)
    except ValueError:
        raise call.refused("invalid value") from None


def _read_priority(call: Call) -> int:
    text = call.args[0]
    try:
        value = parse_number(text[1:] if text[:1] in ("-", "+") else text)
    except ValueError:
        raise call.refused("invalid number") from None
    return -value if text.startswith("-") else value


def _read_cpu_affinity(call: Call) -> tuple[str, ...]:
    masks = call.args[1:] if call.args[0] == "auto" else call.args
    if masks is not call.args and len(masks) > 1:
        raise call.error(f'invalid number of arguments in "{call.name}" directive')
    for mask in masks:
        if len(mask) > MAX_CPUS:
            raise call.error(f'"{call.name}" supports up to {MAX_CPUS} CPUs only')
        for digit in reversed(mask):
            if digit not in "01 ":
                raise call.error(f'invalid character "{digit}" in "{call.name}"')
    return call.args


def _read_user(call: Call) -> tuple[str, str]:
    user, group = call.args[0], call.args[-1]
    if os.geteuid() != 0:
        call.warn(
            'the "user" directive makes sense only if the master process runs '
            "with super-user privileges, ignored"
        )
        return user, group
    try:
        pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise call.error(f'getpwnam("{user}") failed') from None
    try:
        grp.getgrnam(group)
    except (KeyError, ValueError):
        raise call.error(f'getgrnam("{group}") failed') from None
    return user, group


def _read_load_module(call: Call) -> str:
    if call.reading.modules_used:
        raise call.refused("is specified too late")
    return call.full_name(call.args[0])


def _read_env(call: Call) -> tuple[str, str | None]:
    name, equals, value = call.args[0].partition("=")
    return name, value if equals else None


def _read_thread_pool(call: Call) -> ThreadPool:
    name, *options = call.args
    if any(pool.name == name for pool in call.block.slots.get("thread_pool", ())):
        raise call.error(f'duplicate thread pool "{name}"')
    numbers = {"threads": 0, "max_queue": ThreadPool.max_queue}
    for option in options:
        _read_pool_option(call, option, numbers)
    if numbers["threads"] == 0:
        raise call.error(f'"{call.name}" must have "threads" parameter')
    return ThreadPool(name, **numbers)


def _read_pool_option(call: Call, option: str, numbers: dict[str, int]) -> None:
    key, equals, text = option.partition("=")
    if not equals or key not in numbers:
        return  # nginx passes over what it does not know
    try:
        value = parse_number(text)
    except ValueError:
        value = -1
    if value < 0 or (key == "threads" and value == 0):
        raise call.error(f'invalid {key} value "{option}"')
    numbers[key] = value


def _read_connections(call: Call) -> int:
    try:
        return parse_number(call.args[0])
    except ValueError:
        raise call.error(f'invalid number "{call.args[0]}"') from None


def _read_event_method(call: Call) -> str:
    if call.args[0] not in EVENT_METHODS:
        raise call.error(f'invalid event type "{call.args[0]}"')
    return call.args[0]


def _read_debug_connection(call: Call) -> str:
    text = call.args[0]
    if text == "unix:":
        return text
    try:
        network, exact = parse_network(text)
    except ValueError:
        raise call.error(f'host not found in debug_connection "{text}"') from None
    if not exact:
        call.warn(f"low address bits of {text} are meaningless")
    return network


def _use_modules(call: Call) -> bool:
    call.reading.modules_used = True
    return True


#: A block after which ``load_module`` comes too late.
BLOCK = Kind("", _use_modules)

_ERROR_LOG = Kind("path [level]", _read_error_log)

INCLUDE = Command("include", ANYWHERE, "1", Kind("path or mask", NOTHING.read))

HTTP_ERROR_LOG = Command("error_log", LOCAL, "1+", _ERROR_LOG, many=True)

_CORE = (
    flag("daemon", MAIN, "on"),
    flag("master_process", MAIN, "on"),
    Command("env", MAIN, "1", Kind("name[=value]", _read_env), many=True),
    Command("pid", MAIN, "1", PATH, "logs/nginx.pid"),
    Command("user", MAIN, "1-2", Kind("user [group]", _read_user)),
    Command("working_directory", MAIN, "1", TEXT),
    Command(
        "worker_processes", MAIN, "1", Kind("number | auto", _read_worker_processes),
        "1", 1,
    ),
    Command("worker_shutdown_timeout", MAIN, "1", MSEC),
    Command("worker_blocking_warning", MAIN, "1", MSEC, "0", 0),
    Command("worker_patience", MAIN, "1", MSEC, "0", 0),
    Command("timer_resolution", MAIN, "1", MSEC, status=INERT),
    Command("lock_file", MAIN, "1", PATH, status=INERT),
    Command(
        "load_module", MAIN, "1", Kind("path", _read_load_module), many=True,
        status=INERT,
    ),
    Command("debug_points", MAIN, "1", enum("stop", "abort"), status=INERT),
    Command(
        "worker_priority", MAIN, "1", Kind("number", _read_priority)
    ),
    Command(
        "worker_cpu_affinity", MAIN, "1+", Kind("mask …", _read_cpu_affinity),
    ),
    Command("worker_rlimit_nofile", MAIN, "1", NUMBER),
    Command("worker_rlimit_core", MAIN, "1", OFFSET),
)  # fmt: skip

_EVENTS = (
    Command("events", MAIN, "0", BLOCK, inside=EVENTS, status=INERT),
    Command(
        "worker_connections", EVENTS, "1", Kind("number", _read_connections),
        "512", 512, status=INERT,
    ),
    Command(
        "use", EVENTS, "1", Kind(" | ".join(EVENT_METHODS), _read_event_method),
        status=INERT,
    ),
    flag("multi_accept", EVENTS, "off", status=INERT),
    flag("accept_mutex", EVENTS, "off", status=INERT),
    Command("accept_mutex_delay", EVENTS, "1", MSEC, "500ms", status=INERT),
    Command(
        "debug_connection", EVENTS, "1", Kind("network", _read_debug_connection),
        many=True, status=INERT,
    ),
    Command("epoll_events", EVENTS, "1", NUMBER, "512", status=INERT),
    Command("worker_aio_requests", EVENTS, "1", NUMBER, "32", status=INERT),
)  # fmt: skip

MODULES = (
    Module("ngx_core_module", _CORE),
    Module("ngx_conf_module", (INCLUDE,)),
    Module(
        "ngx_errlog_module", (Command("error_log", MAIN, "1+", _ERROR_LOG, many=True),)
    ),
    Module("ngx_openssl_module", (
        Command("ssl_engine", MAIN, "1", TEXT, status=LATER),
    )),
    Module("ngx_regex_module", (flag("pcre_jit", MAIN, "off", status=INERT),)),
    Module("ngx_thread_pool_module", (
        Command(
            "thread_pool", MAIN, "2-3",
            Kind("name threads=n [max_queue=n]", _read_thread_pool),
            many=True,
        ),
    )),
    Module("ngx_events_module", _EVENTS),
    Module("ngx_google_perftools_module", (
        Command("google_perftools_profiles", MAIN, "1", PATH, status=INERT),
    )),
    Module("ngx_mail_module", (
        Command("mail", MAIN, "0", NOTHING, inside=MAIN, status=LATER),
    )),
    Module("ngx_stream_module", (
        Command("stream", MAIN, "0", NOTHING, inside=MAIN, status=LATER),
    )),
)  # fmt: skip
