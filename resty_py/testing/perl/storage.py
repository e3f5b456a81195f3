"""Perl's variables: where they are kept, how they are read and assigned."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import operators
from .errors import DieError, UnsupportedError
from .functions import FUNCTIONS
from .values import Cell, Scope, number, text, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .quoting import Node
    from .regex import Match

__all__ = ["Storage", "pairs"]

#: Names that mean the same in every package.
_EVERYWHERE = frozenset(["ENV", "ARGV", "INC", "STDIN", "STDOUT", "STDERR", "_"])


class Storage(ABC):
    """The variables of Perl code; what nodes are worth, its subclass knows.

    Args:
        functions: more functions, by name.
        use: called for each ``use`` with the module and its arguments.
        file: ``__FILE__``.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        use: Callable[[str, list[Any]], None],
        file: str = "-",
    ) -> None:
        self._functions: dict[str, Callable[..., Any]] = {**FUNCTIONS, **functions}
        self._use_module = use
        self.file = file
        self._globals: dict[str, Any] = {}
        self._scope = Scope()
        self._package = "main"
        self._match: Match | None = None
        self._locals: list[tuple[Any, Any]] = []

    @abstractmethod
    def scalar(self, node: Node) -> Any:
        """Return the value of a node as a scalar."""

    @abstractmethod
    def items(self, node: Node) -> list[Any]:
        """Return the values of a node as a list."""

    def variable(self, sigil: str, name: str) -> Any:
        """Return a global variable: a :class:`Cell`, a list or a dict."""
        key = sigil + self._qualified(name)
        if key not in self._globals:
            self._globals[key] = _new(sigil)
        return self._globals[key]

    def _qualified(self, name: str) -> str:
        if name.startswith("::"):
            return f"main{name}"
        if "::" in name:
            return name
        is_special = not name[0].isalpha() or name in _EVERYWHERE
        return f"main::{name}" if is_special else f"{self._package}::{name}"

    def _place(self, sigil: str, name: str) -> Any:
        """Return the variable that a name means here."""
        if "::" not in name:
            found = self._scope.find(sigil + name)
            if found is not None:
                return found
        return self.variable(sigil, name)

    @contextlib.contextmanager
    def _inner_scope(self, parent: Scope | None = None) -> Iterator[None]:
        former, depth = self._scope, len(self._locals)
        self._scope = Scope(parent or former)
        try:
            yield
        finally:
            self._scope = former
            while len(self._locals) > depth:
                cell, value = self._locals.pop()
                cell.value = value

    def _var(self, node: Node, wants_list: bool) -> Any:
        _, sigil, name = node
        if sigil == "$":
            value = self._special(name)
            return [value] if wants_list else value
        return _listed(self._place(sigil, name), wants_list)

    def _special(self, name: str) -> Any:
        if name.isdigit() and name != "0":
            return self._match.group(int(name)) if self._match else None
        if name == "&":
            return self._match.group() if self._match else None
        if name == "0":
            return self.file
        if name == "^O":
            return "linux"
        return self._place("$", name).value

    def _deref(self, node: Node, wants_list: bool) -> Any:
        if node[1] == "$":
            raise UnsupportedError("a reference to a scalar")
        return _listed(self._container(node), wants_list)

    def _container(self, node: Node) -> Any:
        """Return the list or dict of an array or hash, made if it is not there."""
        if node[0] == "var":
            return self._place(node[1], node[2])
        if node[0] in ("my", "our"):
            return self._declare(node)
        value = self.scalar(node[2])
        if value is None:
            value = _new(node[1])
            self._store(node[2], value)
        if not isinstance(value, list if node[1] == "@" else dict):
            raise DieError("Not a reference of the kind that is wanted")
        return value

    def _declare(self, node: Node) -> Any:
        kind, sigil, name = node
        place = _new(sigil) if kind == "my" else self.variable(sigil, name)
        self._scope.variables[sigil + name] = place
        return place

    def _my(self, node: Node, wants_list: bool) -> Any:
        place = self._declare(node)
        if node[1] == "$":
            return [place.value] if wants_list else place.value
        return _listed(place, wants_list)

    def _local(self, node: Node, wants_list: bool) -> Any:
        inner = node[1]
        if inner[0] != "var" or inner[1] != "$":
            raise UnsupportedError("local of what is no scalar")
        cell = self._place("$", inner[2])
        self._locals.append((cell, cell.value))
        cell.value = None
        return [None] if wants_list else None

    def _assign(self, node: Node, wants_list: bool) -> Any:
        _, operator, target, source = node
        if operator:
            value = self._assign_by(operator, target, source)
        elif target[0] == "list" or (len(target) > 1 and target[1] in ("@", "%")):
            return self._assign_list(target, self.items(source), wants_list)
        else:
            value = self.scalar(source)
            self._store(target, value)
        return [value] if wants_list else value

    def _assign_by(self, operator: str, target: Node, source: Node) -> Any:
        former = self.scalar(target)
        if operator in ("||", "&&", "//"):
            keeps = {"||": truth(former), "&&": not truth(former)}.get(
                operator, former is not None
            )
            value = former if keeps else self.scalar(source)
        else:
            value = operators.BINARY[operator](former, self.scalar(source))
        self._store(target, value)
        return value

    def _assign_list(self, target: Node, values: list[Any], wants_list: bool) -> Any:
        rest = list(values)
        for one in target[1] if target[0] == "list" else [target]:
            if one[0] not in ("element", "entry") and one[1] in ("@", "%"):
                container = self._container(one)
                container.clear()
                if isinstance(container, list):
                    container.extend(rest)
                else:
                    container.update(pairs(rest))
                rest = []
            else:
                self._store(one, rest.pop(0) if rest else None)
        return values if wants_list else len(values)

    def _store(self, target: Node, value: Any) -> None:
        kind = target[0]
        if kind == "var":
            self._place("$", target[2]).value = value
        elif kind in ("my", "our"):
            self._declare(target).value = value
        elif kind == "local":
            self._local(target, False)
            self._store(target[1], value)
        elif kind == "element":
            array, index = self._container(target[1]), self.scalar(target[2])
            index = int(number(index))
            array.extend([None] * (index + 1 - len(array)))
            array[index] = value
        elif kind == "entry":
            self._container(target[1])[text(self.scalar(target[2]))] = value
        elif kind == "list" and len(target[1]) == 1:
            self._store(target[1][0], value)
        elif kind == "assign":
            # (my $copy = $text) =~ s/…/…/: it has been assigned already.
            self._store(_assigned(target), value)
        elif kind == "call" and target[1] == "undef":
            pass
        else:
            raise UnsupportedError(f"assignment to {kind}")


def _assigned(node: Node) -> Node:
    """Return what an assignment assigns to, without declaring it again."""
    target: Node = node[2]
    return ("var", *target[1:]) if target[0] in ("my", "our") else target


def _new(sigil: str) -> Any:
    return Cell() if sigil == "$" else [] if sigil == "@" else {}


def _listed(place: Any, wants_list: bool) -> Any:
    if not wants_list:
        return len(place)
    if isinstance(place, dict):
        return [part for pair in place.items() for part in pair]
    return list(place)


def pairs(items: list[Any]) -> dict[str, Any]:
    """Return the hash that a list of keys and values makes."""
    items = items + [None] * (len(items) % 2)
    return {text(items[i]): items[i + 1] for i in range(0, len(items), 2)}
