"""nginx.conf as a tree, checked directive by directive as nginx does.

Rules, those of ``ngx_conf_parse`` and ``ngx_conf_handler``:

1. A directive is looked at when its ``;`` or ``{`` is read, before anything
   behind it: the first error in the file is the one that is reported.
2. It is looked at in this order: is it known, may it stand here, does a block
   follow where one must, is the number of arguments right, does it stand here
   twice, are its values right.
3. ``include`` reads another file in its place. A path with ``*``, ``?`` or
   ``[`` stands for all files that match, in the order of their names, and may
   match none.
4. The ``-g`` option is read first, as if it stood before the file.

Ours:

5. A directive that is not supported yet is an error, or with ``lenient`` a
   warning and left out with all that is in its block.
6. Files and blocks may be nested :data:`MAX_DEPTH` deep.
"""

from __future__ import annotations

import errno
import glob
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .errors import ConfError, Notice, UnsupportedError, located
from .lexer import Lexer, Statement, to_text
from .model import Directive
from .modules import COMMANDS, INCLUDE
from .reading import Block, Call, Reading
from .table import MAIN, Command, Context, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["MAX_DEPTH", "Parser"]

#: How deep files and blocks may be nested; a file that includes itself ends
#: here with the error that nginx reports when it runs out of descriptors.
MAX_DEPTH = 64


class Parser:
    """Reads a configuration into blocks of values.

    Args:
        reading: the state to keep.
        on_block: called with every block of directives when its ``}`` was read.
    """

    def __init__(
        self, reading: Reading, on_block: Callable[[Block], None] = lambda _block: None
    ) -> None:
        self.main = Block(MAIN, None, None)
        self._reading = reading
        self._on_block = on_block
        self._depth = 0

    def parse(self, path: str, global_directives: str = "") -> tuple[Directive, ...]:
        """Read the file *path* and return its directives.

        The values of the directives are in :attr:`main` then.

        Args:
            path: the file, absolute.
            global_directives: the text of the ``-g`` option.

        Raises:
            ConfError: it cannot be read or used.
        """
        data = global_directives.encode("utf-8", "surrogateescape")
        first = self._directives(Lexer(data, ""), self.main, nested=False)
        return (*first, *self._file(path, self.main, None))

    def _file(self, path: str, block: Block, call: Call | None) -> list[Directive]:
        lexer = Lexer(self._read(path, call), path)
        found = self._directives(lexer, block, nested=False)
        self._depth -= 1
        return found

    def _read(self, path: str, call: Call | None) -> bytes:
        try:
            self._enter(path)
            with open(path, "rb") as file:
                data = file.read()
        except (OSError, ValueError) as exc:
            raise _unreadable(path, exc, call) from None
        self._reading.files[path] = data
        return data

    def _enter(self, path: str) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    def _directives(
        self, lexer: Lexer, block: Block, *, nested: bool
    ) -> list[Directive]:
        """Read directives up to the end of the block or file."""
        found: list[Directive] = []
        for statement in _statements(lexer, nested=nested):
            found += self._directive(statement, lexer, block)
        return found

    def _directive(
        self, statement: Statement, lexer: Lexer, block: Block
    ) -> Iterable[Directive]:
        name, *args = statement.words
        call = Call(name, tuple(args), lexer.file, statement.line, block, self._reading)
        command = _find(call, block.context)
        _check_shape(command, call, statement.end)
        if command is INCLUDE:
            return self._include(call, block)
        try:
            return [self._take(command, call, lexer, block)]
        except UnsupportedError as exc:
            if not self._reading.lenient:
                raise
            self._reading.notices.append(Notice(exc.text))
            return []

    def _take(
        self, command: Command, call: Call, lexer: Lexer, block: Block
    ) -> Directive:
        if command.status is Status.LATER:
            self._skip(command, lexer)
            raise call.not_yet(f'"{call.name}" directive')
        if command.lua:
            source = lexer.lua_block()
            args = (*call.args, to_text(source))
            call = replace(call, args=args, source=source, error_line=lexer.line)
        value = _value(command, call, block)
        inner: list[Directive] | None = None
        if command.inside is not None:
            value = Block(command.inside, call, value)
            inner = self._block(value, lexer, call)
        elif command.entry is not None:
            inner = self._entries(command, call, lexer, block)
            if command.end is not None:
                command.end(replace(call, error_line=lexer.line))
        if value is not None:
            block.add(command.key, value)
        return _as_written(call, inner)

    def _block(self, block: Block, lexer: Lexer, call: Call) -> list[Directive]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise call.error("too many nested blocks")
        found = self._directives(lexer, block, nested=True)
        block.end_line = lexer.line
        self._depth -= 1
        self._on_block(block)
        return found

    def _entries(
        self,
        command: Command,
        opener: Call,
        lexer: Lexer,
        block: Block,
        *,
        nested: bool = True,
    ) -> list[Directive]:
        """Read the lines of a block that are no directives."""
        found: list[Directive] = []
        for statement in _statements(lexer, nested=nested):
            if statement.end == "{":
                raise lexer.error('unexpected "{"')
            name, *args = statement.words
            line = Call(
                name, tuple(args), lexer.file, statement.line, block, self._reading
            )
            if name == "include" and len(args) == 1:
                for path in _matches(line):
                    inner = Lexer(self._read(path, line), path)
                    found += self._entries(command, opener, inner, block, nested=False)
                    self._depth -= 1
            else:
                assert command.entry is not None
                command.entry(opener, line)
                found.append(_as_written(line, None))
        return found

    def _include(self, call: Call, block: Block) -> list[Directive]:
        found: list[Directive] = []
        for path in _matches(call):
            found += self._file(path, block, call)
        return found

    def _skip(self, command: Command, lexer: Lexer) -> None:
        """Pass over the block of a directive that is not supported."""
        if not self._reading.lenient or not command.opens_block:
            return
        if command.lua:
            lexer.lua_block()
            return
        depth = 1
        while depth:
            statement = lexer.statement()
            if statement.end == "{" and statement.words[0].endswith("_by_lua_block"):
                lexer.lua_block()
            elif statement.end == "{":
                depth += 1
            elif statement.end == "}":
                depth -= 1
            elif statement.end == "":
                raise lexer.error('unexpected end of file, expecting "}"')


def _statements(lexer: Lexer, *, nested: bool) -> Iterator[Statement]:
    """Yield statements up to the ``}`` or end of file that ends them."""
    while True:
        statement = lexer.statement()
        if statement.end == "}":
            if not nested:
                raise lexer.error('unexpected "}"')
            return
        if statement.end == "":
            if nested:
                raise lexer.error('unexpected end of file, expecting "}"')
            return
        if statement.end == "{" and not lexer.file:
            raise lexer.error("block directives are not supported in -g option")
        yield statement


def _find(call: Call, context: Context) -> Command:
    commands = COMMANDS.get(call.name)
    if commands is None:
        raise call.error(f'unknown directive "{call.name}"')
    for command in commands:
        if command.contexts & context:
            return command
    raise call.refused("is not allowed here")


def _check_shape(command: Command, call: Call, end: str) -> None:
    if command.opens_block and end != "{":
        raise call.error(f'directive "{call.name}" has no opening "{{"')
    if not command.opens_block and end != ";":
        raise call.error(f'directive "{call.name}" is not terminated by ";"')
    if not command.takes(len(call.args)):
        raise call.error(f'invalid number of arguments in "{call.name}" directive')


def _value(command: Command, call: Call, block: Block) -> Any:
    once = not (command.many or command.repeats)
    if once and command.key in block.slots:
        raise call.refused("is duplicate")
    return command.kind.read(call)


def _as_written(call: Call, inner: Iterable[Directive] | None) -> Directive:
    block = None if inner is None else tuple(inner)
    return Directive(call.name, call.args, block, call.file, call.line, call.source)


def _matches(call: Call) -> list[str]:
    path = call.full_name(call.args[0], conf=True)
    if not any(mark in path for mark in "*?["):
        return [path]
    try:
        return sorted(glob.glob(path), key=os.fsencode)
    except (OSError, ValueError):
        return []


def _unreadable(path: str, exc: OSError | ValueError, call: Call | None) -> ConfError:
    if isinstance(exc, ValueError):  # a NUL in the path
        exc = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    reason = f"failed ({exc.errno}: {exc.strerror})"
    if exc.errno == errno.EISDIR:
        return ConfError(f'pread() "{path}" {reason}', "crit")
    text = f'open() "{path}" {reason}'
    return ConfError(located(text, call.file, call.line) if call else text)
