"""Perl's terms: variables, quoted texts, words and what is in brackets."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from .quoting import Node, closing, interpolate, unescape_single
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAT", "NAME", "STOP", "UNARY_ARGUMENT", "Terms"]

NAME = re.compile(r"(?:::)?[A-Za-z_]\w*(?:::\w+)*")
_NUMBER = re.compile(
    r"0x[0-9A-Fa-f_]+|0b[01_]+|\d[\d_]*(?:\.(?!\.)[\d_]*)?(?:[eE][-+]?\d+)?|\.\d+"
)
_SPECIAL = re.compile(r"\^\w|[&!@/,;0|_\\]|\d+")
_QUOTE = re.compile(r"(qq|qw|qr|q|m|s|tr|y)(?=\s*[^\w\s,;=)]|\s*=[^>=~\s])(?!\s*=>)")
_FLAGS = re.compile(r"[a-z]*")
FAT = re.compile(r"-?[A-Za-z_]\w*(?=\s*=>)")
STOP = re.compile(r"[)\]};:?,]|(?:if|unless|while|until|foreach|for|and|or|xor)\b|=")
_BAREWORD_END = re.compile(r"(?:=>|=~|[-+.*/%<>|&^=?:]=?\s)|(?:x|eq|ne|lt|gt|cmp)\b")

_KEY = re.compile(r"-?[A-Za-z_]\w*(?=\s*\})")
_NAMED_UNARY = frozenset([
    "abs", "caller", "chomp", "chop", "chr", "close", "defined", "delete", "each",
    "eval", "exists", "exit", "hex", "int", "keys", "lc", "lcfirst", "length",
    "oct", "ord", "pop", "quotemeta", "rand", "ref", "require", "scalar", "shift",
    "sleep", "sqrt", "uc", "ucfirst", "undef", "values",
])  # fmt: skip
_NO_ARGUMENT = frozenset(["time", "times", "wantarray", "__FILE__", "__PACKAGE__"])

#: The precedence of what a function of one argument takes.
UNARY_ARGUMENT = 8


class Terms(ABC):
    """Reads terms; what is around them is read by its subclass.

    Args:
        source: the code.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    @abstractmethod
    def block(self) -> Node:
        """Read a block."""

    @abstractmethod
    def expression(self) -> Node:
        """Read an expression."""

    @abstractmethod
    def comma(self) -> Node:
        """Read an expression without ``and`` and its like."""

    @abstractmethod
    def assignment(self) -> Node:
        """Read an expression without commas."""

    @abstractmethod
    def binary(self, least: int) -> Node:
        """Read operators of a precedence of *least* or more."""

    @abstractmethod
    def unary(self) -> Node:
        """Read a term with the operators before and behind it."""

    @abstractmethod
    def postfix(self, node: Node) -> Node:
        """Read what follows a term: subscripts, arrows and steps."""

    @abstractmethod
    def code_of(self, text: str) -> Node:
        """Return code that is quoted as a block."""

    def list_until(self, closer: str) -> Node:
        """Read a list that may be empty."""
        return ("list", []) if self.source.sees(closer) else self.expression()

    def subscript(self, opener: str, closer: str) -> Node:
        """Read an expression in brackets."""
        self.source.expect(opener)
        node = self.expression()
        self.source.expect(closer)
        return node

    def key(self) -> Node:
        """Read the key of a hash."""
        self.source.expect("{")
        word = self.source.take(_KEY)
        node = ("const", word[0]) if word else self.expression()
        self.source.expect("}")
        return node

    def arguments(self) -> list[Node]:
        """Read arguments in parentheses."""
        self.source.expect("(")
        node = self.list_until(")")
        self.source.expect(")")
        return list(node[1]) if node[0] == "list" else [node]

    def sub_body(self) -> Node:
        """Read a sub, from its prototype on."""
        self.source.take(re.compile(r"\([^)]*\)"))
        return self.block()

    def interpolated(self) -> Node:
        """Read a variable and its subscripts, as they stand in a string."""
        return self.postfix(self._variable(self.source.text[self.source.place]))

    def primary(self) -> Node:
        """Read a term."""
        source = self.source
        source.skip()
        char = source.text[source.place : source.place + 1]
        if char and char in "$@%&":
            return self._variable(char)
        if document := source.heredoc():
            text, has_variables = document
            return self._interpolate(text) if has_variables else ("const", text)
        reader = _TERMS.get(char)
        if reader is not None:
            return reader(self)
        if match := source.take(_NUMBER):
            return ("const", _number(match[0]))
        if match := source.take(FAT):
            return ("const", match[0])
        if match := source.take(_QUOTE):
            return self._quoted(match[1])
        if match := source.take(NAME):
            return self._word(match[0])
        raise source.unsupported("an unknown term")

    def name(self) -> str:
        """Read a name."""
        match = self.source.take(NAME)
        if match is None:
            raise self.source.unsupported("no name")
        return match[0]

    def _variable(self, sigil: str) -> Node:
        source = self.source
        source.place += 1
        if sigil == "$" and source.text.startswith("#", source.place):
            source.place += 1
            array = self._named("@")
            return ("last_index", array)
        node = self._named(sigil)
        if sigil == "&":
            arguments = self.arguments() if source.sees("(") else []
            return ("invoke", node, arguments)
        if sigil == "$":
            return self._subscripted(node)
        return node

    def _named(self, sigil: str) -> Node:
        """Read what follows a sigil: a name, a block or another variable."""
        source, text = self.source, self.source.text
        if match := NAME.match(text, source.place):
            source.place = match.end()
            return ("var", sigil, match[0])
        if text.startswith("{", source.place):
            end = closing(text, source.place)
            inner = text[source.place + 1 : end].strip()
            if re.fullmatch(r"\^?\w+(?:::\w+)*", inner):
                source.place = end + 1
                return ("var", sigil, inner)
            source.place += 1
            node = self.expression()
            source.expect("}")
            return ("deref", sigil, node)
        if re.match(r"\$+[\w{:]", text[source.place :]):
            source.place += 1
            return ("deref", sigil, self._named("$"))
        if match := _SPECIAL.match(text, source.place):
            source.place = match.end()
            return ("var", sigil, match[0])
        raise source.unsupported("an unknown variable")

    def _subscripted(self, node: Node) -> Node:
        """Return ``$x[0]`` and ``$x{a}`` as entries of ``@x`` and ``%x``."""
        source = self.source
        kind, _, name = node
        following = source.text[source.place : source.place + 1]
        if following == "[":
            return ("element", (kind, "@", name), self.subscript("[", "]"))
        if following == "{":
            return ("entry", (kind, "%", name), self.key())
        return node

    def _interpolate(self, raw: str, is_pattern: bool = False) -> Node:
        return interpolate(raw, self._parse_variable, is_pattern=is_pattern)

    def _parse_variable(self, text: str, place: int) -> tuple[Node, int]:
        """Return the variable, with subscripts, at a place in a text, and its end."""
        parser = type(self)(Source(text, place))
        node = parser.interpolated()
        return node, parser.source.place

    def _string(self) -> Node:
        return self._quoted_here("qq")

    def _single(self) -> Node:
        return self._quoted_here("q")

    def _command(self) -> Node:
        return ("call", "readpipe", [self._quoted_here("qq")])

    def _match(self) -> Node:
        return self._quoted_here("m")

    def _quoted(self, kind: str) -> Node:
        self.source.skip()
        return self._quoted_here(kind)

    def _delimited(self) -> tuple[str, str]:
        source = self.source
        opener = source.text[source.place]
        end = closing(source.text, source.place)
        raw = source.text[source.place + 1 : end]
        source.place = end + 1
        return raw, opener

    def _flags(self) -> str:
        match = _FLAGS.match(self.source.text, self.source.place)
        self.source.place = match.end() if match else self.source.place
        return match[0] if match else ""

    def _quoted_here(self, kind: str) -> Node:
        raw, opener = self._delimited()
        if kind == "q":
            return ("const", unescape_single(raw, opener))
        if kind == "qw":
            return ("list", [("const", word) for word in raw.split()])
        if kind == "qq":
            return self._interpolate(raw)
        if kind in ("tr", "y"):
            raise self.source.unsupported("tr///")
        pattern = self._pattern(raw, opener)
        if kind == "s":
            return self._substitution(pattern, opener)
        return ("regex" if kind == "qr" else "match", pattern, self._flags())

    def _pattern(self, raw: str, opener: str) -> Node:
        if opener == "'":
            return ("const", raw)
        if opener not in "([{<.|?*+^$":
            raw = raw.replace(f"\\{opener}", opener)
        return self._interpolate(raw, is_pattern=True)

    def _substitution(self, pattern: Node, opener: str) -> Node:
        if opener in "([{<":
            self.source.skip()
            raw, opener = self._delimited()
        else:
            self.source.place -= 1
            raw, _ = self._delimited()
        flags = self._flags()
        if "e" in flags:
            replacement: Node = self.code_of(raw)
        else:
            replacement = self._interpolate(raw)
        return ("substitute", pattern, replacement, flags.replace("e", ""))

    def _array(self) -> Node:
        self.source.expect("[")
        node = self.list_until("]")
        self.source.expect("]")
        return ("array", node)

    def _hash(self) -> Node:
        self.source.expect("{")
        node = self.list_until("}")
        self.source.expect("}")
        return ("hash", node)

    def _parenthesis(self) -> Node:
        self.source.expect("(")
        node = self.list_until(")")
        self.source.expect(")")
        return node if node[0] == "list" else ("list", [node])

    def _read_line(self) -> Node:
        match = self.source.take(re.compile(r"<(\$?\w*)>"))
        if match is None or not match[1].startswith("$"):
            raise self.source.unsupported("an unknown term")
        return ("read_line", ("var", "$", match[1][1:]))

    # Words ----------------------------------------------------------------------

    def _word(self, name: str) -> Node:
        known = _WORDS.get(name)
        if known is not None:
            return known(self)
        name = name.removeprefix("CORE::").removeprefix("::")
        if name in ("map", "grep", "sort"):
            return self._with_block(name)
        if self.source.sees("->") and "(" not in name:
            return ("const", name)
        return ("call", name, self._call_arguments(name))

    def _call_arguments(self, name: str) -> list[Node]:
        if self.source.sees("("):
            return self.arguments()
        if name in _NO_ARGUMENT or not self._starts_term():
            return []
        if name in _NAMED_UNARY:
            return [self.binary(UNARY_ARGUMENT)]
        node = self.comma()
        return list(node[1]) if node[0] == "list" else [node]

    def _starts_term(self) -> bool:
        source = self.source
        return not (
            source.at_end()
            or source.peek(STOP)
            or (source.peek(_BAREWORD_END) and not source.sees("<<"))
        )

    def _with_block(self, name: str) -> Node:
        """Read ``map {…} list`` and its like."""
        source = self.source
        has_parenthesis = source.accept("(")
        function: Node | None = None
        if source.sees("{"):
            function = self.block()
            source.accept(",")
        elif name != "sort":
            function = self.assignment()
            source.expect(",")
        items = self.list_until(")") if has_parenthesis else self.comma()
        if has_parenthesis:
            source.expect(")")
        return (name, function, items)

    def _declaration(self, kind: str) -> Node:
        source = self.source
        if source.accept("("):
            names = []
            while not source.accept(")"):
                sigil = source.take(re.compile(r"[$@%]"))
                if sigil is None:
                    raise source.unsupported("no variable")
                names.append((kind, sigil[0], self.name()))
                source.accept(",")
            return ("list", names)
        sigil = source.take(re.compile(r"[$@%]"))
        if sigil is None:
            raise source.unsupported("no variable")
        return (kind, sigil[0], self.name())

    def _local(self) -> Node:
        return ("local", self.unary())

    def _anonymous_sub(self) -> Node:
        return ("sub", self.sub_body())

    def _do_block(self) -> Node:
        if self.source.sees("{"):
            return ("do", self.block())
        return ("call", "do", [self.unary()])

    def _eval_block(self) -> Node:
        if self.source.sees("{"):
            return ("eval", self.block())
        return ("call", "eval", self._call_arguments("eval"))

    def _jump(self, kind: str) -> Node:
        if kind == "return" and self._starts_term():
            return ("return", self.expression())
        return (kind, ("list", []))


def _number(text: str) -> int | float:
    text = text.replace("_", "")
    if text[:2] in ("0x", "0b"):
        return int(text, 0)
    if text.isdigit():
        return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)
    return float(text)


_TERMS: dict[str, Callable[[Terms], Node]] = {
    '"': Terms._string,
    "'": Terms._single,
    "`": Terms._command,
    "/": Terms._match,
    "[": Terms._array,
    "{": Terms._hash,
    "(": Terms._parenthesis,
    "<": Terms._read_line,
}

_WORDS: dict[str, Callable[[Terms], Node]] = {
    "my": lambda parser: parser._declaration("my"),
    "our": lambda parser: parser._declaration("our"),
    "local": Terms._local,
    "sub": Terms._anonymous_sub,
    "do": Terms._do_block,
    "eval": Terms._eval_block,
    "return": lambda parser: parser._jump("return"),
    "next": lambda parser: parser._jump("next"),
    "last": lambda parser: parser._jump("last"),
}
