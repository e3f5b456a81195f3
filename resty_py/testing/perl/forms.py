"""Perl's functions that look at their arguments themselves."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from . import operators
from .functions import split
from .matching import Matching
from .values import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .quoting import Node

__all__ = ["FORMS", "Forms"]


class Forms(Matching):
    """What ``defined``, ``push`` and their like do."""

    @abstractmethod
    def evaluate(self, code: str) -> list[Any]:
        """Return the values of the last statement of *code*."""

    def _defined(self, arguments: list[Node]) -> Any:
        node = arguments[0] if arguments else ("var", "$", "_")
        if node[0] == "invoke" and node[1][0] == "var":
            return 1 if node[1][2] in self._functions else ""
        return "" if self.scalar(node) is None else 1

    def _exists(self, arguments: list[Node]) -> Any:
        _, container, key = arguments[0]
        found = self._container(container)
        if isinstance(found, dict):
            return 1 if text(self.scalar(key)) in found else ""
        return 1 if int(number(self.scalar(key))) < len(found) else ""

    def _delete(self, arguments: list[Node]) -> Any:
        _, container, key = arguments[0]
        return self._container(container).pop(text(self.scalar(key)), None)

    def _undef(self, arguments: list[Node]) -> None:
        if arguments and arguments[0][0] in ("var", "deref", "my"):
            node = arguments[0]
            if node[1] == "$":
                self._store(node, None)
            else:
                self._container(node).clear()
        elif arguments:
            self._store(arguments[0], None)

    def _scalar_of(self, arguments: list[Node]) -> Any:
        return self.scalar(arguments[0])

    def _push(self, arguments: list[Node]) -> int:
        array = self._container(arguments[0])
        array.extend(item for one in arguments[1:] for item in self.items(one))
        return len(array)

    def _unshift(self, arguments: list[Node]) -> int:
        array = self._container(arguments[0])
        array[:0] = [item for one in arguments[1:] for item in self.items(one)]
        return len(array)

    def _take_from(self, arguments: list[Node], index: int) -> Any:
        named = arguments[0] if arguments else ("var", "@", "_")
        array = self._container(named)
        return array.pop(index) if array else None

    def _cut(self, arguments: list[Node], only_newline: bool) -> Any:
        target = arguments[0] if arguments else ("var", "$", "_")
        string = text(self.scalar(target))
        if string and (not only_newline or string.endswith("\n")):
            self._store(target, string[:-1])
            return 1
        return 0

    def _open(self, arguments: list[Node]) -> Any:
        words = [text(self.scalar(node)) for node in arguments[1:]]
        lines = operators.open_lines(words)
        if isinstance(lines, OSError):
            self.variable("$", "!").value = lines.strerror
            return 0
        self._store(arguments[0], lines)
        return 1

    def _eval_string(self, arguments: list[Node]) -> Any:
        code = text(self.scalar(arguments[0])) if arguments else self._special("_")
        values = self.evaluate(code)
        return values[-1] if values else None

    def _split(self, arguments: list[Node], wants_list: bool) -> Any:
        """Split a text: the first argument is a pattern that is not matched."""
        pattern, *rest = arguments
        if pattern[0] == "match":
            pattern = ("regex", *pattern[1:])
        values = [self.scalar(node) for node in (pattern, *rest)]
        parts = split(values)
        return parts if wants_list else len(parts)

    def _file(self, _arguments: list[Node]) -> str:
        return self.file


#: What is done with the nodes of the arguments, by the name of the function.
FORMS: dict[str, Callable[[Forms, list[Node]], Any]] = {
    "defined": Forms._defined,
    "exists": Forms._exists,
    "delete": Forms._delete,
    "undef": Forms._undef,
    "scalar": Forms._scalar_of,
    "push": Forms._push,
    "unshift": Forms._unshift,
    "shift": lambda self, arguments: self._take_from(arguments, 0),
    "pop": lambda self, arguments: self._take_from(arguments, -1),
    "chomp": lambda self, arguments: self._cut(arguments, True),
    "chop": lambda self, arguments: self._cut(arguments, False),
    "open": Forms._open,
    "eval": Forms._eval_string,
    "__FILE__": Forms._file,
}
