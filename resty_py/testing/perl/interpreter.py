"""Runs the syntax tree of Perl code.

Rules:

1. Each kind of node has a method ``_kind(node, wants_list)``; it returns a
   Python list where a list is wanted and a scalar otherwise.
2. Arrays and hashes are Python lists and dicts; a reference is the list or
   dict itself.
3. What a function is not known to ``functions.py``, to the code itself or to
   the caller raises :class:`UnsupportedError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import operators
from .errors import DieError, PerlError, UnsupportedError
from .forms import FORMS, Forms
from .parser import parse
from .storage import pairs
from .values import Cell, number, text, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .quoting import Node

__all__ = ["Interpreter"]

#: No test file takes so many rounds of a loop.
LOOP_MAX = 10_000_000


class _Jump(Exception):  # noqa: N818
    """``return``, ``next`` or ``last``."""

    def __init__(self, kind: str, value: Any = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Interpreter(Forms):
    """Perl code's variables, and the means to run more code.

    Args:
        functions: more functions, by name; they get the interpreter and their
            arguments, and return a scalar or, if they like, a list.
        use: called for each ``use`` with the module and its arguments.
        file: ``__FILE__``.
    """

    def run(self, code: str) -> None:
        """Run a file's statements; its lexical variables stay for later code.

        Raises:
            PerlError: it died, or it is not known how to run it.
        """
        try:
            for statement in parse(code):
                self.scalar(statement)
        except _Jump as jump:
            raise PerlError(f"{jump.kind} outside of a sub or loop") from None

    def evaluate(self, code: str) -> list[Any]:
        """Return the values of the last statement of *code*: ``eval STRING``.

        Raises:
            PerlError: it died, or it is not known how to run it.
        """
        statements = parse(code)
        with self._inner_scope():
            try:
                return self._run_all(statements, wants_list=True) or []
            except _Jump as jump:
                if jump.kind != "return":
                    raise PerlError(f"{jump.kind} outside of a loop") from None
                return jump.value if isinstance(jump.value, list) else [jump.value]

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a sub with arguments."""
        return function(self, list(arguments))

    def define(self, name: str, function: Callable[..., Any]) -> None:
        """Define a sub."""
        self._functions[name] = function

    # Values ---------------------------------------------------------------------

    def scalar(self, node: Node) -> Any:
        """Return the value of a node as a scalar."""
        return _HANDLERS[node[0]](self, node, False)

    def items(self, node: Node) -> list[Any]:
        """Return the values of a node as a list."""
        found: list[Any] = _HANDLERS[node[0]](self, node, True)
        return found

    def _const(self, node: Node) -> Any:
        return node[1]

    def _interp(self, node: Node) -> str:
        return "".join(
            part if isinstance(part, str) else text(self.scalar(part))
            for part in node[1]
        )

    def _join_list(self, node: Node) -> str:
        return " ".join(map(text, self.items(node[1])))

    def _not(self, node: Node) -> Any:
        return "" if truth(self.scalar(node[1])) else 1

    def _negative(self, node: Node) -> Any:
        value = self.scalar(node[1])
        is_word = isinstance(value, str) and value[:1].isalpha()
        return f"-{value}" if is_word else -number(value)

    def _reference(self, node: Node) -> Any:
        inner = node[1]
        if inner[0] == "var" and inner[1] in "@%":
            return self._place(inner[1], inner[2])
        if inner[0] == "var" and inner[1] == "&":
            return self._functions[inner[2]]
        raise UnsupportedError("a reference to a scalar")

    def _array(self, node: Node) -> list[Any]:
        return list(self.items(node[1]))

    def _hash(self, node: Node) -> dict[str, Any]:
        return pairs(self.items(node[1]))

    def _element(self, node: Node) -> Any:
        array, index = self._container(node[1]), int(number(self.scalar(node[2])))
        if not -len(array) <= index < len(array):
            return None
        return array[index]

    def _entry(self, node: Node) -> Any:
        return self._container(node[1]).get(text(self.scalar(node[2])))

    def _last_index(self, node: Node) -> int:
        return len(self._container(node[1])) - 1

    def _step(self, node: Node) -> Any:
        former = self.scalar(node[1])
        self._store(node[1], number(former) + node[2])
        return former if former is not None else 0

    def _read_line(self, node: Node, wants_list: bool) -> Any:
        lines = self.scalar(node[1])
        if not isinstance(lines, operators.Lines):
            raise UnsupportedError("a line of what is no file")
        separator = self._place("$", "/").value
        return lines.rest(separator) if wants_list else lines.next(separator)

    # Variables ------------------------------------------------------------------

    def _binary(self, node: Node, wants_list: bool) -> Any:
        _, operator, left, right = node
        if operator in ("||", "&&", "//"):
            return self._short(operator, left, right, wants_list)
        if operator in ("=~", "!~"):
            return self._bind(operator, left, right, wants_list)
        if operator in ("..", "..."):
            return operators.span(self.scalar(left), self.scalar(right))
        if operator == "x" and wants_list and left[0] == "list":
            return self.items(left) * max(0, int(number(self.scalar(right))))
        value = operators.BINARY[operator](self.scalar(left), self.scalar(right))
        return [value] if wants_list else value

    def _short(self, operator: str, left: Node, right: Node, wants_list: bool) -> Any:
        value = self.scalar(left)
        is_over = {"||": truth(value), "&&": not truth(value)}.get(
            operator, value is not None
        )
        if is_over:
            return [value] if wants_list else value
        return _HANDLERS[right[0]](self, right, wants_list)

    def _or(self, node: Node, wants_list: bool) -> Any:
        return self._short("||", node[1], node[2], wants_list)

    def _and(self, node: Node, wants_list: bool) -> Any:
        return self._short("&&", node[1], node[2], wants_list)

    def _ternary(self, node: Node, wants_list: bool) -> Any:
        chosen = node[2] if truth(self.scalar(node[1])) else node[3]
        return _HANDLERS[chosen[0]](self, chosen, wants_list)

    def _list(self, node: Node, wants_list: bool) -> Any:
        if wants_list:
            return [item for one in node[1] for item in self.items(one)]
        value = None
        for one in node[1]:
            value = self.scalar(one)
        return value

    def _slice(self, node: Node, wants_list: bool) -> Any:
        items = self.items(node[1])
        indexes = [int(number(index)) for index in self.items(node[2])]
        found = [items[i] if -len(items) <= i < len(items) else None for i in indexes]
        return found if wants_list else (found[-1] if found else None)

    def _map(self, node: Node, wants_list: bool) -> Any:
        found = [item for _ in self._topics(node) for item in self.items(node[1])]
        return found if wants_list else len(found)

    def _grep(self, node: Node, wants_list: bool) -> Any:
        found = [item for item in self._topics(node) if truth(self.scalar(node[1]))]
        return found if wants_list else len(found)

    def _topics(self, node: Node) -> Iterator[Any]:
        topic = self._place("$", "_")
        former = topic.value
        for topic.value in self.items(node[2]):
            yield topic.value
        topic.value = former

    def _sort(self, node: Node, wants_list: bool) -> Any:
        items = self.items(node[2])
        if node[1] is None:
            items.sort(key=text)
        else:
            operators.sort(items, lambda a, b: self._compare(node[1], a, b))
        return items if wants_list else len(items)

    def _compare(self, body: Node, first: Any, second: Any) -> int:
        self.variable("$", "a").value = first
        self.variable("$", "b").value = second
        return int(number(self.scalar(body)))

    # Subs -----------------------------------------------------------------------

    def _call(self, node: Node, wants_list: bool) -> Any:
        _, name, arguments = node
        if name == "split":
            return self._split(arguments, wants_list)
        special = FORMS.get(name)
        if special is not None:
            value = special(self, arguments)
            return [value] if wants_list else value
        function = self._functions.get(name.rpartition("::")[2])
        if function is None:
            raise UnsupportedError(f"the function {name}")
        values = [item for one in arguments for item in self.items(one)]
        return _returned(function(self, values), wants_list)

    def _invoke(self, node: Node, wants_list: bool) -> Any:
        if node[1][0] == "var" and node[1][1] == "&":
            function = self._functions.get(node[1][2])
        else:
            function = self.scalar(node[1])
        if not callable(function):
            raise DieError("Not a CODE reference")
        values = [item for one in node[2] for item in self.items(one)]
        return _returned(function(self, values), wants_list)

    def _method(self, node: Node, wants_list: bool) -> Any:
        target = self.scalar(node[1])
        values = [item for one in node[3] for item in self.items(one)]
        call = getattr(target, "call_method", None)
        if call is None:
            raise UnsupportedError(f"the method {node[2]}")
        return _returned(call(node[2], values), wants_list)

    def _sub(self, node: Node) -> Callable[..., Any]:
        body, scope, package = node[1], self._scope, self._package

        def run(interpreter: Interpreter, arguments: Sequence[Any]) -> Any:
            former, interpreter._package = interpreter._package, package
            try:
                with interpreter._inner_scope(scope):
                    interpreter._scope.variables["@_"] = list(arguments)
                    return interpreter._run_all(body[1], wants_list=True)
            except _Jump as jump:
                return jump.value
            finally:
                interpreter._package = former

        return run

    def _define(self, node: Node) -> None:
        self._functions[node[1]] = self._sub(("sub", node[2]))

    # Control --------------------------------------------------------------------

    def _run_all(self, statements: Sequence[Node], *, wants_list: bool) -> Any:
        value: Any = [] if wants_list else None
        for place, statement in enumerate(statements, start=1):
            is_last = place == len(statements)
            value = _HANDLERS[statement[0]](self, statement, wants_list and is_last)
        return value

    def _block(self, node: Node, wants_list: bool) -> Any:
        with self._inner_scope():
            return self._run_all(node[1], wants_list=wants_list)

    def _do(self, node: Node, wants_list: bool) -> Any:
        return self._block(node[1], wants_list)

    def _eval(self, node: Node, wants_list: bool) -> Any:
        error = self.variable("$", "@")
        try:
            value = self._block(node[1], wants_list)
        except DieError as exc:
            error.value = exc.value
            return [] if wants_list else None
        error.value = ""
        return value

    def _if(self, node: Node, wants_list: bool) -> Any:
        _, condition, body, otherwise = node
        if truth(self.scalar(condition)):
            return _HANDLERS[body[0]](self, body, wants_list)
        if otherwise is not None:
            return _HANDLERS[otherwise[0]](self, otherwise, wants_list)
        return [] if wants_list else None

    def _while(self, node: Node, wants_list: bool) -> Any:
        _, condition, body, step = node
        for _ in range(LOOP_MAX):
            if not truth(self.scalar(condition)) or not self._round(body):
                return [] if wants_list else None
            if step is not None:
                self.scalar(step)
        raise PerlError("a loop has no end")

    def _foreach(self, node: Node, wants_list: bool) -> Any:
        _, variable, source, body = node
        array = self._aliased(source)
        values = self.items(source) if array is None else array
        with self._inner_scope():
            cell = Cell()
            self._scope.variables["$" + variable[2]] = cell
            for index, value in enumerate(list(values)):
                cell.value = value
                goes_on = self._round(body)
                if array is not None:
                    array[index] = cell.value
                if not goes_on:
                    break
        return [] if wants_list else None

    def _aliased(self, source: Node) -> list[Any] | None:
        """Return the array whose elements the loop's variable stands for."""
        if source[0] == "list" and len(source[1]) == 1:
            source = source[1][0]
        if source[0] in ("var", "deref") and source[1] == "@":
            array: list[Any] = self._container(source)
            return array
        return None

    def _round(self, body: Node) -> bool:
        """Run a loop's body once; tell whether the loop goes on."""
        try:
            self.scalar(body)
        except _Jump as jump:
            if jump.kind == "return":
                raise
            return jump.kind == "next"
        return True

    def _jump(self, node: Node) -> Any:
        raise _Jump(node[0], self.items(node[1]))

    def _use(self, node: Node) -> None:
        self._use_module(node[1], self.items(node[2]))

    def _enter_package(self, node: Node) -> None:
        self._package = node[1]

    # Forms that look at their arguments themselves ---------------------------------


def _returned(value: Any, wants_list: bool) -> Any:
    """Return what a sub gave: a list of values, or one that is no list."""
    if wants_list:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list):
        return value[-1] if value else None
    return value


def _one(
    handler: Callable[[Interpreter, Node], Any],
) -> Callable[[Interpreter, Node, bool], Any]:
    """Return a handler of nodes that have one value in any context."""

    def handle(interpreter: Interpreter, node: Node, wants_list: bool) -> Any:
        value = handler(interpreter, node)
        return [value] if wants_list else value

    return handle


_I = Interpreter

_HANDLERS: dict[str, Callable[[Interpreter, Node, bool], Any]] = {
    "const": _one(_I._const),
    "interp": _one(_I._interp),
    "join_list": _one(_I._join_list),
    "not": _one(_I._not),
    "negative": _one(_I._negative),
    "reference": _one(_I._reference),
    "regex": _one(_I._regex),
    "array": _one(_I._array),
    "hash": _one(_I._hash),
    "element": _one(_I._element),
    "entry": _one(_I._entry),
    "last_index": _one(_I._last_index),
    "step": _one(_I._step),
    "sub": _one(_I._sub),
    "define": _one(_I._define),
    "use": _one(_I._use),
    "package": _one(_I._enter_package),
    "substitute": _one(_I._substitute_topic),
    "return": _one(_I._jump),
    "next": _one(_I._jump),
    "last": _one(_I._jump),
    "read_line": _I._read_line,
    "var": _I._var,
    "deref": _I._deref,
    "my": _I._my,
    "our": _I._my,
    "local": _I._local,
    "assign": _I._assign,
    "binary": _I._binary,
    "or": _I._or,
    "and": _I._and,
    "ternary": _I._ternary,
    "match": _I._match_topic,
    "list": _I._list,
    "slice": _I._slice,
    "map": _I._map,
    "grep": _I._grep,
    "sort": _I._sort,
    "call": _I._call,
    "invoke": _I._invoke,
    "method": _I._method,
    "block": _I._block,
    "do": _I._do,
    "eval": _I._eval,
    "if": _I._if,
    "while": _I._while,
    "foreach": _I._foreach,
}
