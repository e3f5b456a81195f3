"""``syslog:server=…``: the logs that go to a syslog server, as a directive has them.

Follows ``ngx_syslog_process_conf`` and ``ngx_syslog_parse_args``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .listen import parse_addresses
from .settings import Syslog

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Call

__all__ = ["PREFIX", "read_syslog"]

#: What the destination of such a log begins with.
PREFIX = "syslog:"

#: The port of a server that is named without one.
PORT = 514

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp",
    "clock", "authpriv", "ftp", "ntp", "audit", "alert", "cron", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip

SEVERITIES = (
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
)  # fmt: skip

#: The longest tag: RFC 3164.
MAX_TAG = 32


def read_syslog(call: Call, text: str) -> Syslog:
    """Return the syslog server that *text*, the destination of a log, names.

    Raises:
        ConfError: it names none, in nginx's words.
    """
    found: dict[str, Any] = {}
    for part in text.removeprefix(PREFIX).split(","):
        name, equals, value = part.partition("=")
        if part == "nohostname":
            found["has_hostname"] = False
        elif equals and name in _PARTS:
            if name in found:
                raise call.error(f'duplicate syslog "{name}"')
            found[name] = _PARTS[name](call, value)
        else:
            raise call.error(f'unknown syslog parameter "{part}"')
    if "server" not in found:
        raise call.error("no syslog server specified")
    return Syslog(**found)


def _server(call: Call, text: str) -> Any:
    try:
        return parse_addresses(text, PORT, listen=False)[0]
    except ValueError as exc:
        raise call.error(f'{exc} in syslog server "{text}"') from None


def _one_of(what: str, names: tuple[str, ...]) -> Callable[[Call, str], int]:
    def read(call: Call, text: str) -> int:
        if text not in names:
            raise call.error(f'unknown syslog {what} "{text}"')
        return names.index(text)

    return read


def _tag(call: Call, text: str) -> str:
    if len(text) > MAX_TAG:
        raise call.error("syslog tag length exceeds 32")
    if not re.fullmatch(r"\w*", text, re.ASCII):
        raise call.error(
            'syslog "tag" only allows alphanumeric characters and underscore'
        )
    return text


_PARTS: dict[str, Callable[[Call, str], Any]] = {
    "server": _server,
    "facility": _one_of("facility", FACILITIES),
    "severity": _one_of("severity", SEVERITIES),
    "tag": _tag,
}
