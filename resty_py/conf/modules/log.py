"""The log module: ``log_format`` and ``access_log``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..readers import read_open_file_cache
from ..settings import AccessLog, LogFormat
from ..syslog import PREFIX as SYSLOG
from ..syslog import read_syslog
from ..table import Command, Kind, Module, names
from ..template import Template, TemplateError, Variable, parse_template
from ..values import parse_size, parse_time
from .shorthand import HTTP, INERT, LIMITED, LOCAL

if TYPE_CHECKING:
    from ..reading import Call
    from ..settings import Syslog

__all__ = ["COMBINED", "MODULES"]

#: What ``gzip`` alone means: Z_BEST_SPEED, and a buffer of this size.
FASTEST = "1"
GZIP_BUFFER = 64 * 1024

#: Variables that exist in log formats whether or not anything else has them.
LOG_VARIABLES = names(
    """pipe time_local time_iso8601 msec request_time status bytes_sent
    body_bytes_sent request_length"""
)

#: The log format that is always there.
COMBINED = LogFormat(
    "combined",
    "default",
    parse_template(
        '$remote_addr - $remote_user [$time_local] "$request" $status '
        '$body_bytes_sent "$http_referer" "$http_user_agent"'
    ),
)


def _read_format(call: Call) -> LogFormat:
    name, *texts = call.args
    if name in call.reading.log_formats:
        raise call.error(f'duplicate "log_format" name "{name}"')
    call.reading.log_formats.add(name)
    escape = "default"
    if texts[0].startswith("escape="):
        escape = texts.pop(0).removeprefix("escape=")
        if escape not in ("default", "json", "none"):
            raise call.error(f'unknown log format escaping "{escape}"')
    parts = [part for text in texts for part in _format(call, text).parts]
    return LogFormat(name, escape, Template(tuple(parts)))


def _format(call: Call, text: str) -> Template:
    try:
        template = parse_template(text, captures=False)
    except TemplateError as exc:
        closing = str(exc).startswith("the closing")
        message = str(exc) if closing else f'invalid parameter "{exc.rest}"'
        raise call.error(message) from None
    for part in template.parts:
        if isinstance(part, Variable) and part.name not in LOG_VARIABLES:
            call.use(part.name)
    return template


def _read_access_log(call: Call) -> AccessLog | None:
    path = call.args[0]
    if path == "off":
        _read_off(call)
        return None
    syslog = read_syslog(call, path) if path.startswith(SYSLOG) else None
    target = Template((path,)) if syslog else call.template(call.full_name(path))
    name = _format_name(call)
    options: dict[str, str] = {}
    for arg in call.args[2:]:
        key, value = _option(call, arg)
        options[key] = value
    return _log(call, target, name, options, syslog)


def _read_off(call: Call) -> None:
    if len(call.args) > 1:
        raise call.error(f'invalid parameter "{call.args[1]}"')
    call.block.slots["access_log"] = []
    call.block.slots["access_log_off"] = [True]


def _format_name(call: Call) -> str:
    wanted = call.args[1] if len(call.args) > 1 else "combined"
    for name in call.reading.log_formats:
        if name.lower() == wanted.lower():
            return name
    raise call.error(f'unknown log format "{wanted}"')


def _option(call: Call, arg: str) -> tuple[str, str]:
    key, equals, value = arg.partition("=")
    if key == "gzip":
        if equals and not _is_level(value):
            raise call.error(f'invalid compression level "{value}"')
        return key, value or FASTEST
    if not equals or key not in ("buffer", "flush", "if"):
        raise call.error(f'invalid parameter "{arg}"')
    if key == "buffer" and not _positive(value, buffer=True):
        raise call.error(f'invalid buffer size "{value}"')
    if key == "flush" and not _positive(value, buffer=False):
        raise call.error(f'invalid flush time "{value}"')
    if key == "if":
        call.template(value)
    return key, value


def _positive(text: str, *, buffer: bool) -> bool:
    try:
        return (parse_size(text) if buffer else parse_time(text)) > 0
    except ValueError:
        return False


def _is_level(text: str) -> bool:
    return len(text) == 1 and text in "123456789"


def _log(
    call: Call,
    target: Template,
    name: str,
    options: dict[str, str],
    syslog: Syslog | None,
) -> AccessLog | None:
    default = GZIP_BUFFER if "gzip" in options else 0
    size = parse_size(options["buffer"]) if "buffer" in options else default
    flush = parse_time(options["flush"]) if "flush" in options else 0
    if flush and not size:
        raise call.error(f'no buffer is defined for access_log "{call.args[0]}"')
    gzip = int(options.get("gzip", 0))
    if size:
        _check_buffer(call, target.constant, (size, flush, gzip), syslog)
    condition = call.template(options["if"]) if "if" in options else None
    if "access_log_off" in call.block.slots:
        return None
    return AccessLog(target, name, condition, size, flush, gzip, syslog)


def _check_buffer(
    call: Call, path: str | None, buffer: tuple[int, float, int], syslog: Syslog | None
) -> None:
    """Refuse a buffer where nginx has none, or the file has another one."""
    if path is None:
        raise call.error("buffered logs cannot have variables in name")
    if syslog is not None:
        raise call.error("logs to syslog cannot be buffered")
    if call.reading.log_buffers.setdefault(path, buffer) != buffer:
        raise call.error(
            f'access_log "{call.args[0]}" already defined with conflicting parameters'
        )


MODULES = (
    Module("ngx_http_log_module", (
        Command(
            "log_format", HTTP, "2+",
            Kind("name [escape=default | json | none] text …", _read_format),
            many=True,
        ),
        Command(
            "access_log", LIMITED, "1+",
            Kind(
                "off | path [format [buffer=size] [gzip[=level]] [flush=time] "
                "[if=condition]]",
                _read_access_log,
            ),
            "logs/access.log combined", many=True,
        ),
        Command(
            "open_log_file_cache", LOCAL, "1-4",
            Kind(
                "off | max=n [inactive=time] [min_uses=n] [valid=time]",
                read_open_file_cache,
            ),
            status=INERT,
        ),
    )),
)  # fmt: skip
