"""Perl code as a syntax tree: the part of Perl that test files use.

Recursive descent over expressions by precedence (perlop). A node is a tuple of
its kind and its parts; ``interpreter.py`` knows what each kind does. What is
not known here raises :class:`UnsupportedError`, and the system's perl is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .source import Source
from .terms import FAT, NAME, STOP, UNARY_ARGUMENT, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from .quoting import Node

__all__ = ["parse"]

_METHOD = re.compile(r"\$?[A-Za-z_]\w*(?:::\w+)*")
_FILE_TEST = re.compile(r"-([edfrwxsz])(?=\s+[\$\"'(]|\s*[\$\"'])")
_ASSIGN = re.compile(r"(?:\*\*|\|\||&&|//|[-+.*/%|&^]|x|<<|>>)?=(?![=~>])")
_OPERATOR = re.compile(
    r"<=>|\.\.\.|\.\.|\*\*|\|\||&&|//|==|!=|=~|!~|<=|>=|<<|>>|[-+.*/%|^&<>]"
    r"|x(?=\d|\W)|(?:lt|gt|le|ge|eq|ne|cmp)\b"
)
_MODIFIER = re.compile(r"(if|unless|while|until|foreach|for)\b")
_PRECEDENCE = {
    "..": 1, "...": 1, "||": 2, "//": 2, "&&": 3, "|": 4, "^": 4, "&": 5,
    "==": 6, "!=": 6, "<=>": 6, "eq": 6, "ne": 6, "cmp": 6,
    "<": 7, ">": 7, "<=": 7, ">=": 7, "lt": 7, "gt": 7, "le": 7, "ge": 7,
    "<<": 9, ">>": 9, "+": 10, "-": 10, ".": 10,
    "*": 11, "/": 11, "%": 11, "x": 11, "=~": 12, "!~": 12, "**": 14,
}  # fmt: skip


def parse(text: str) -> list[Node]:
    """Return the statements of Perl code.

    Raises:
        UnsupportedError: something in it is not known here.
    """
    return _Parser(Source(text)).statements()


class _Parser(Terms):
    """Reads statements and expressions."""

    def code_of(self, text: str) -> Node:
        """Return code that is quoted as a block."""
        return ("block", parse(text))

    # Statements -----------------------------------------------------------------

    def statements(self, closer: str = "") -> list[Node]:
        """Read statements up to *closer*, or all."""
        found: list[Node] = []
        while not self.source.at_end():
            if closer and self.source.accept(closer):
                return found
            if not self.source.accept(";"):
                found.append(self._statement())
        if closer:
            raise self.source.unsupported(f"no {closer}")
        return found

    def block(self) -> Node:
        """Read a block."""
        self.source.expect("{")
        return ("block", self.statements("}"))

    def _statement(self) -> Node:
        source = self.source
        if source.sees("{"):
            return self.block()
        start = source.place
        word = source.take(NAME)
        known = _STATEMENTS.get(word[0]) if word else None
        if known is not None and not source.sees("=>"):
            node = known(self)
            if node is not None:
                return node
        source.place = start
        node = self._modified(self.expression())
        if not source.accept(";") and not source.sees("}") and not source.at_end():
            raise source.unsupported("no end of the statement")
        return node

    def _modified(self, node: Node) -> Node:
        while match := self.source.take(_MODIFIER):
            condition = self.expression()
            if match[1] in ("if", "unless"):
                test = condition if match[1] == "if" else ("not", condition)
                node = ("if", test, node, None)
            elif match[1] in ("while", "until"):
                test = condition if match[1] == "while" else ("not", condition)
                node = ("while", test, node, None)
            else:
                node = ("foreach", ("var", "$", "_"), condition, node)
        return node

    def _condition(self) -> Node:
        self.source.expect("(")
        node = self.expression()
        self.source.expect(")")
        return node

    def if_statement(self, negated: bool = False) -> Node:
        condition = self._condition()
        test = ("not", condition) if negated else condition
        body, otherwise = self.block(), None
        word = self.source.take(re.compile(r"(elsif|else)\b"))
        if word and word[1] == "elsif":
            otherwise = self.if_statement()
        elif word:
            otherwise = self.block()
        return ("if", test, body, otherwise)

    def while_statement(self, negated: bool = False) -> Node:
        condition = self._condition()
        test = ("not", condition) if negated else condition
        return ("while", test, self.block(), None)

    def for_statement(self) -> Node:
        source = self.source
        variable: Node = ("var", "$", "_")
        if source.take(re.compile(r"(my|our)\b")):
            source.expect("$")
            variable = ("my", "$", self.name())
        elif source.accept("$"):
            variable = ("var", "$", self.name())
        source.expect("(")
        first = ("list", []) if source.sees(";") else self.list_until(")")
        if source.accept(";"):
            test = ("const", 1) if source.sees(";") else self.expression()
            source.expect(";")
            step = ("list", []) if source.sees(")") else self.expression()
            source.expect(")")
            body = self.block()
            return ("block", [first, ("while", test, body, step)])
        source.expect(")")
        return ("foreach", variable, first, self.block())

    def sub_statement(self) -> Node | None:
        name = self.source.take(NAME)
        if name is None:
            return None
        return ("define", name[0], self.sub_body())

    def use_statement(self) -> Node:
        name = self.source.take(re.compile(r"[\w:.]+"))
        if name is None:
            raise self.source.unsupported("use of nothing")
        arguments = ("list", []) if self.source.sees(";") else self.expression()
        self.source.expect(";")
        return ("use", name[0], arguments)

    def no_statement(self) -> Node:
        self.use_statement()
        return ("list", [])

    def package_statement(self) -> Node:
        name = self.source.take(NAME)
        self.source.expect(";")
        return ("package", name[0] if name else "main")

    def begin_statement(self) -> Node | None:
        return self.block() if self.source.sees("{") else None

    # Expressions ----------------------------------------------------------------

    def expression(self) -> Node:
        """Read an expression with the words ``and``, ``or`` and ``not``."""
        node = self._low_and()
        while match := self.source.take(re.compile(r"(or|xor)\b")):
            node = ("or" if match[1] == "or" else "xor", node, self._low_and())
        return node

    def _low_and(self) -> Node:
        node = self._low_not()
        while self.source.take(re.compile(r"and\b")):
            node = ("and", node, self._low_not())
        return node

    def _low_not(self) -> Node:
        if self.source.take(re.compile(r"not\b(?!\s*=>)")):
            return ("not", self._low_not())
        return self.comma()

    def comma(self) -> Node:
        items = [self.assignment()]
        is_list = False
        while self.source.accept("=>") or self.source.accept(","):
            is_list = True
            if self.source.at_end() or self.source.peek(STOP):
                if self.source.sees(",") or self.source.sees("=>"):
                    continue
                break
            items.append(self.assignment())
        return ("list", items) if is_list else items[0]

    def assignment(self) -> Node:
        """Read an expression without commas."""
        target = self._ternary()
        if match := self.source.take(_ASSIGN):
            return ("assign", match[0][:-1], target, self.assignment())
        return target

    def _ternary(self) -> Node:
        condition = self.binary(1)
        if not self.source.accept("?"):
            return condition
        first = self.assignment()
        self.source.expect(":")
        return ("ternary", condition, first, self.assignment())

    def _operator(self) -> str | None:
        if self.source.peek(_ASSIGN) or self.source.sees("=>"):
            return None
        match = self.source.peek(_OPERATOR)
        return match[0] if match else None

    def binary(self, least: int) -> Node:
        left = self.unary()
        while (operator := self._operator()) is not None:
            precedence = _PRECEDENCE[operator]
            if precedence < least:
                break
            self.source.place += len(operator)
            right = self.binary(precedence if operator == "**" else precedence + 1)
            left = ("binary", operator, left, right)
        return left

    def unary(self) -> Node:
        source = self.source
        if match := source.take(_FILE_TEST):
            return ("call", f"-{match[1]}", [self.binary(UNARY_ARGUMENT)])
        if source.peek(FAT):
            return self.postfix(self.primary())
        for operator in ("++", "--"):
            if source.accept(operator):
                return ("assign", operator[0], self.unary(), ("const", 1))
        for operator, kind in (("!", "not"), ("\\", "reference"), ("-", "negative")):
            if source.accept(operator):
                return (kind, self.binary(13))
        if source.accept("+"):
            return self.binary(13)
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        source = self.source
        while True:
            if source.accept("->"):
                node = self._arrow(node)
            elif node[0] in ("element", "entry") and source.sees("["):
                node = ("element", ("deref", "@", node), self.subscript("[", "]"))
            elif node[0] in ("element", "entry") and source.sees("{"):
                node = ("entry", ("deref", "%", node), self.key())
            elif node[0] == "list" and source.sees("["):
                node = ("slice", node, self.subscript("[", "]"))
            elif source.accept("++"):
                return ("step", node, 1)
            elif source.accept("--"):
                return ("step", node, -1)
            else:
                return node

    def _arrow(self, node: Node) -> Node:
        source = self.source
        if source.sees("["):
            return ("element", ("deref", "@", node), self.subscript("[", "]"))
        if source.sees("{"):
            return ("entry", ("deref", "%", node), self.key())
        if source.sees("("):
            return ("invoke", node, self.arguments())
        if source.accept("@*"):
            return ("deref", "@", node)
        method = source.take(_METHOD)
        if method is None:
            raise source.unsupported("an unknown arrow")
        arguments = self.arguments() if source.sees("(") else []
        return ("method", node, method[0], arguments)


_STATEMENTS: dict[str, Callable[[_Parser], Node | None]] = {
    "if": _Parser.if_statement,
    "unless": lambda parser: parser.if_statement(negated=True),
    "while": _Parser.while_statement,
    "until": lambda parser: parser.while_statement(negated=True),
    "for": _Parser.for_statement,
    "foreach": _Parser.for_statement,
    "sub": _Parser.sub_statement,
    "use": _Parser.use_statement,
    "no": _Parser.no_statement,
    "package": _Parser.package_statement,
    "BEGIN": _Parser.begin_statement,
    "END": lambda parser: parser.begin_statement() and ("list", []),
}
