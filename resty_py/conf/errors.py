"""What is wrong with a configuration, in nginx's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ConfError", "Notice", "UnsupportedError", "located"]

#: The longest complaint without its place: NGX_MAX_CONF_ERRSTR.
MAX_TEXT = 1024

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class ConfError(Exception):
    """A configuration cannot be used.

    ``str()`` is the line that ``nginx -t`` prints for it. Control characters
    that an argument brings along are written as ``\\x0a``, so it is one line.

    Attributes:
        text: the line without nginx's prefix, as it goes to an error log.
        level: a level of the error log; ``emerg`` but for a few modules.
        notices: what was said before.
    """

    notices: tuple[Notice, ...] = ()

    def __init__(self, text: str, level: str = "emerg") -> None:
        super().__init__(text)
        self.text = _CONTROL.sub(_escape, text)
        self.level = level

    def __str__(self) -> str:
        return f"nginx: [{self.level}] {self.text}"


class UnsupportedError(ConfError):
    """A configuration says what nginx knows and resty-py does not support yet."""


@dataclass(frozen=True)
class Notice:
    """Something that does not keep a configuration from being used.

    Attributes:
        text: the line without nginx's prefix.
        level: a level of the error log, such as ``warn``.
    """

    text: str
    level: str = "warn"

    def __str__(self) -> str:
        return f"nginx: [{self.level}] {_CONTROL.sub(_escape, self.text)}"


def located(text: str, file: str, line: int) -> str:
    """Return *text* with its place as ``ngx_conf_log_error`` appends it.

    Args:
        text: the complaint.
        file: the configuration file, or nothing for the ``-g`` option.
        line: the line in it.
    """
    place = f"{file}:{line}" if file else "command line"
    return f"{text[:MAX_TEXT]} in {place}"


def _escape(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"
