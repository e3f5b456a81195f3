"""What is known while a configuration is read.

A :class:`Call` is one directive as a kind sees it, a :class:`Block` collects
the values of the directives between two braces, and a :class:`Reading` is what
all blocks share.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..host.regex import complaint
from .errors import ConfError, Notice, UnsupportedError, located
from .lexer import to_bytes
from .regex import Regex
from .template import Template, TemplateError, parse_template
from .variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..server.listeners import Address
    from .table import Context

__all__ = ["Block", "Bound", "Call", "Reading", "SharedZone", "prefix_of"]


@dataclass
class Bound:
    """An address that servers listen on.

    Attributes:
        address: the address.
        options: those of the ``listen`` that sets some.
        default: the block of its default server.
        servers: the blocks of all its servers.
    """

    address: Address
    options: dict[str, Any]
    default: Block
    servers: list[Block]


@dataclass
class SharedZone:
    """A zone of shared memory: the directive that may use it, and its size."""

    use: str
    size: int


@dataclass
class Reading:
    """The state of one run of the parser.

    Attributes:
        prefix: what relative paths are relative to; ends with a slash.
        conf_prefix: the same for ``include``.
        lenient: whether what is not supported yet is left out with a warning.
        notices: warnings so far.
        files: the bytes of every file that was read, by name.
        variables: those of the http block.
        log_formats: the names of the log formats so far.
        log_buffers: size, flush time and level of the buffers of log files so far.
        zones: the zones of shared memory so far, by name; the size is 0 where only
            the use of one was read.
        endpoints: the addresses that servers listen on so far.
        modules_used: whether ``load_module`` comes too late.
    """

    prefix: str
    conf_prefix: str
    lenient: bool = False
    notices: list[Notice] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    variables: Variables = field(default_factory=Variables)
    log_formats: set[str] = field(default_factory=lambda: {"combined"})
    log_buffers: dict[str, tuple[int, float, int]] = field(default_factory=dict)
    zones: dict[str, SharedZone] = field(default_factory=dict)
    endpoints: dict[Address, Bound] = field(default_factory=dict)
    modules_used: bool = False

    @property
    def hostname(self) -> str:
        """The name of this machine: ``$hostname``."""
        return socket.gethostname().lower()

    def check_zones(self) -> None:
        """Raise ConfError where a zone is used that no directive gives a size."""
        for name, zone in self.zones.items():
            if not zone.size:
                raise ConfError(f'zero size shared memory zone "{name}"')

    def full_name(self, path: str, conf: bool = False) -> str:
        """Return *path* as an absolute one: ``ngx_conf_full_name``.

        Args:
            path: as it is written.
            conf: whether it is relative to the configuration file.
        """
        if path.startswith("/"):
            return path
        return (self.conf_prefix if conf else self.prefix) + path


class Block:
    """What stands between two braces, or in the main configuration.

    Attributes:
        context: what kind of block it is.
        opener: the directive that opened it, or None.
        head: the value of that directive.
        slots: the values of its directives; see ``Command.key``.
        end_line: the line of its closing brace.
    """

    def __init__(self, context: Context, opener: Call | None, head: Any) -> None:
        self.context = context
        self.opener = opener
        self.head = head
        self.slots: dict[str, list[Any]] = {}
        self.end_line = 0

    def add(self, slot: str, value: Any) -> None:
        """Add *value* to a slot; a list adds its items."""
        values = value if isinstance(value, list) else [value]
        self.slots.setdefault(slot, []).extend(values)

    def last(self, slot: str) -> Any:
        """Return the value that was added last to *slot*, or None."""
        return self.slots[slot][-1] if slot in self.slots else None


@dataclass(frozen=True)
class Call:
    """A directive with its arguments, as it is being read.

    Attributes:
        name: the directive.
        args: its arguments; the code of a Lua block comes last.
        file: the configuration file, or nothing for the ``-g`` option.
        line: the line of its ``;`` or ``{``.
        block: what it stands in.
        reading: the state of the parser.
        source: the code of its Lua block as bytes.
        error_line: the line that errors name: the one that was read last.
    """

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    block: Block
    reading: Reading
    source: bytes | None = None
    error_line: int = 0

    def error(self, text: str, level: str = "emerg") -> ConfError:
        """Return the error *text* with the place of this directive."""
        return ConfError(located(text, self.file, self.error_line or self.line), level)

    def refused(self, reason: str) -> ConfError:
        """Return the error that this directive is or has what *reason* says."""
        return self.error(f'"{self.name}" directive {reason}')

    def warn(self, text: str, level: str = "warn") -> None:
        """Note a warning with the place of this directive."""
        place = located(text, self.file, self.error_line or self.line)
        self.reading.notices.append(Notice(place, level))

    def not_yet(self, what: str) -> UnsupportedError:
        """Return the error that *what* is not supported yet."""
        text = f"{what} is not supported yet by resty-py"
        return UnsupportedError(self.error(text).text)

    def template(self, text: str, captures: bool = True) -> Template:
        """Return *text* as a template and note the variables that it uses.

        Raises:
            ConfError: it is none.
        """
        try:
            template = parse_template(text, captures)
        except TemplateError as exc:
            raise self.error(str(exc)) from None
        for name in template.variables:
            self.reading.variables.use(name)
        return template

    def regex(
        self, pattern: str, caseless: bool = False, *, defines: bool = True
    ) -> Regex:
        """Return *pattern* as a regular expression.

        Args:
            pattern: its text.
            caseless: whether the case of letters does not matter.
            defines: whether its named captures become variables.

        Raises:
            ConfError: PCRE2 refuses it.
        """
        refusal = complaint(to_bytes(pattern), caseless=caseless)
        if refusal is not None:
            raise self.error(refusal)
        regex = Regex(pattern, caseless, self.file, self.line)
        for name in regex.names if defines else ():
            self.define(name)
        return regex

    def define(self, name: str) -> str:
        """Define a variable and return its name in lower case.

        Raises:
            ConfError: it cannot be defined.
        """
        self._vary(self.reading.variables.define, name)
        return name.lower()

    def use(self, name: str) -> str:
        """Note that a variable is used and return its name in lower case.

        Raises:
            ConfError: it has no name.
        """
        self._vary(self.reading.variables.use, name)
        return name.lower()

    def claim_zone(self, name: str, size: int, use: str) -> None:
        """Note a zone of shared memory: ``ngx_shared_memory_add``.

        Args:
            name: of the zone.
            size: bytes, or 0 where another directive says it.
            use: what it is for: a zone has one use.

        Raises:
            ConfError: it is known for another use, or of another size.
        """
        zone = self.reading.zones.setdefault(name, SharedZone(use, size))
        if zone.use != use:
            raise self.error(
                f'the shared memory zone "{name}" is already declared for a '
                "different use"
            )
        zone.size = zone.size or size
        if size and size != zone.size:
            raise self.error(
                f'the size {size} of shared memory zone "{name}" conflicts with '
                f"already declared size {zone.size}"
            )

    def full_name(self, path: str, conf: bool = False) -> str:
        """Return *path* as an absolute one; see :meth:`Reading.full_name`."""
        return self.reading.full_name(path, conf)

    def _vary(self, change: Callable[[str], None], name: str) -> None:
        try:
            change(name)
        except ConfError as exc:
            raise self.error(exc.text) from None


def prefix_of(path: str | Path) -> str:
    """Return *path* as a prefix: as it is given, with a slash at its end."""
    return os.path.join(path, "")
