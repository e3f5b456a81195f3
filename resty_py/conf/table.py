"""What a directive is: a row of a module's table.

The parser checks contexts and arguments by it, the builder merges by it, and
the documentation is made of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Call

__all__ = [
    "ANYWHERE",
    "EVENTS",
    "HTTP",
    "LIMIT_EXCEPT",
    "LOCATION",
    "LOCATION_IF",
    "MAIN",
    "SERVER",
    "SERVER_IF",
    "UPSTREAM",
    "Command",
    "Context",
    "Inherit",
    "Kind",
    "Module",
    "Status",
    "names",
]


def names(text: str) -> frozenset[str]:
    """Return the names in *text*, which white space parts."""
    return frozenset(text.split())


class Context(enum.Flag):
    """Where a directive may stand."""

    MAIN = enum.auto()
    EVENTS = enum.auto()
    HTTP = enum.auto()
    SERVER = enum.auto()
    SERVER_IF = enum.auto()
    LOCATION = enum.auto()
    LOCATION_IF = enum.auto()
    LIMIT_EXCEPT = enum.auto()
    UPSTREAM = enum.auto()


MAIN = Context.MAIN
EVENTS = Context.EVENTS
HTTP = Context.HTTP
SERVER = Context.SERVER
SERVER_IF = Context.SERVER_IF
LOCATION = Context.LOCATION
LOCATION_IF = Context.LOCATION_IF
LIMIT_EXCEPT = Context.LIMIT_EXCEPT
UPSTREAM = Context.UPSTREAM
ANYWHERE = ~Context(0)


class Status(enum.Enum):
    """What resty-py makes of a directive."""

    SUPPORTED = "supported"
    INERT = "accepted, without effect"
    LATER = "not supported yet"


class Inherit(enum.Enum):
    """What a block has that does not say a directive itself."""

    NEAREST = "the value of the nearest block around it"
    NEVER = "the default"
    APPENDED = "the values of all blocks around it, the outermost first"


@dataclass(frozen=True)
class Kind:
    """How the arguments of a directive become its value.

    Attributes:
        label: what is expected, for the documentation.
        read: makes the value; raises ConfError in nginx's words.
        parse: makes the value of one text; raises ValueError. Kinds have it
            whose defaults are written in the table as in a configuration.
    """

    label: str
    read: Callable[[Call], Any]
    parse: Callable[[str], Any] | None = None


@dataclass(frozen=True)
class Command:
    """One directive of one module: nginx's ``ngx_command_t``.

    Attributes:
        name: of the directive.
        contexts: where it may stand.
        arity: how many arguments it takes: ``1``, ``1-2``, ``2+``, ``0,2``.
        kind: what they are.
        default: as it would be written, or None.
        initial: the value where nothing is said; made of *default* if absent.
        status: what becomes of it.
        many: whether it may stand twice in a block; its value is then the tuple
            of all.
        repeats: whether it may stand twice in a block and the last one counts,
            unless its kind has an objection.
        slot: under which name its value is kept; directives of the same slot
            exclude each other, or add to the same tuple.
        inherit: how inner blocks come by it.
        inside: the context of the block that it opens.
        lua: whether its block is Lua code, which becomes the last argument.
        entry: what reads one line of its block, where these are no directives.
        end: what looks at all of them when the ``}`` was read, which errors name.
    """

    name: str
    contexts: Context
    arity: str
    kind: Kind
    default: str | None = None
    initial: Any = None
    status: Status = Status.SUPPORTED
    many: bool = False
    repeats: bool = False
    slot: str = ""
    inherit: Inherit = Inherit.NEAREST
    inside: Context | None = None
    lua: bool = False
    entry: Callable[[Call, Call], None] | None = None
    end: Callable[[Call], None] | None = None

    @property
    def key(self) -> str:
        """The name under which the value is kept."""
        return self.slot or self.name

    @property
    def opens_block(self) -> bool:
        """Whether a ``{`` must follow the arguments."""
        return self.inside is not None or self.lua or self.entry is not None

    @property
    def initial_value(self) -> Any:
        """The value where nothing is said."""
        if self.initial is None and self.default is not None and self.kind.parse:
            return self.kind.parse(self.default)
        return () if self.initial is None and self.many else self.initial

    def takes(self, count: int) -> bool:
        """Tell whether *count* arguments fit."""
        return any(_fits(count, part) for part in self.arity.split(","))


def _fits(count: int, part: str) -> bool:
    if part.endswith("+"):
        return count >= int(part[:-1])
    low, _, high = part.partition("-")
    return int(low) <= count <= int(high or low)


@dataclass(frozen=True)
class Module:
    """The directives of one nginx module.

    Attributes:
        name: of the module, as nginx has it.
        commands: its table.
    """

    name: str
    commands: tuple[Command, ...]
