"""nginx.conf as statements: words up to a ``;``, a ``{`` or a ``}``.

The rules are those of ``ngx_conf_read_token``:

1. A statement is one or more words and ends with ``;`` or ``{``. A ``}`` and
   the end of the file stand alone. Words are parted by spaces, tabs and line
   ends; ``#`` where a word could begin starts a comment up to the line's end.
2. A bare word ends before white space, ``;`` or ``{``. A backslash keeps the
   next character from ending it, and ``${`` does not end it. Quotes, ``}`` and
   ``#`` inside it are ordinary.
3. A word that begins with a quote ends with the same quote, and white space,
   ``;``, ``{`` or ``)`` must follow; the ``)`` then begins the next word, for
   the sake of ``if ($a = "b")``.
4. In every word ``\\"``, ``\\'``, ``\\\\``, ``\\t``, ``\\r`` and ``\\n`` mean
   what they mean in C; other backslashes stay. Variables are left in place.
5. A word or comment must fit into nginx's buffer of 4096 bytes.
6. An error is reported at the line that was read last, but rule 5 at the line
   where the word began.

A Lua block is read as lua-nginx-module reads it: see :meth:`Lexer.lua_block`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import ConfError, located

__all__ = ["Lexer", "Statement", "to_bytes", "to_text"]

#: The size of the buffer that nginx reads through: NGX_CONF_BUFFER.
BUFFER = 4096

_SPACE = re.compile(rb"[ \t\r\n]*")
_BARE = re.compile(rb"(?:\\.?|\$\{*|[^ \t\r\n;{\\$])*", re.DOTALL)
_QUOTED = {
    b'"': re.compile(rb'(?:[^"\\]|\\.?)*', re.DOTALL),
    b"'": re.compile(rb"(?:[^'\\]|\\.?)*", re.DOTALL),
}
_ESCAPE = re.compile(rb"""\\(["'\\trn])""")
_ESCAPES = {b"t": b"\t", b"r": b"\r", b"n": b"\n"}

_LUA = re.compile(
    rb"""(?P<open>\{) | (?P<close>\})
    | (?:--)? \[(?P<level>=*)\[
    | --[^\n]*
    | "(?:\\[^\n]|[^"\n\\])*"
    | '(?:\\[^\n]|[^'\n\\])*'""",
    re.VERBOSE,
)


def to_text(data: bytes) -> str:
    """Return the text of *data*; bytes that are not UTF-8 survive the way back."""
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Return the bytes that :func:`to_text` made *text* of."""
    return text.encode("utf-8", "surrogateescape")


class Statement(NamedTuple):
    """Words and what ended them.

    Attributes:
        words: the name of a directive and its arguments.
        end: ``;``, ``{`` or ``}``, or nothing at the end of the file.
        line: the line of the end.
    """

    words: list[str]
    end: str
    line: int


class Lexer:
    """Reads one configuration file, or the text of the ``-g`` option.

    Args:
        data: its bytes.
        file: its name in errors, or nothing for the ``-g`` option.

    Attributes:
        line: the line that was read last, from 1.
    """

    def __init__(self, data: bytes, file: str) -> None:
        self.line = 1
        self.file = file
        self._data = data
        self._at = 0
        # nginx's buffer: what must stay in it begins at _kept, and it is filled
        # up to _filled. Only the limits on lengths depend on it.
        self._kept = 0
        self._filled = min(BUFFER, len(data))

    def statement(self) -> Statement:
        """Return the next statement: ``ngx_conf_read_token``.

        Raises:
            ConfError: a rule of this module is broken.
        """
        words: list[str] = []
        self._kept = self._at
        while True:
            mark = self._skip_blank()
            if mark in (b";", b"{", b"}", b""):
                return self._end(words, mark)
            word, quoted = self._word(mark)
            words.append(word)
            if quoted:
                self._check_after_quote()

    def lua_block(self) -> bytes:
        """Return the Lua code up to the ``}`` that closes it.

        Read as ``ngx_http_lua_conf_lua_block_parse`` does: braces nest, but
        for those in comments, in strings that end on their line, and in long
        brackets. A long bracket must end within nginx's buffer; code without
        any of these may be longer here than nginx lets it.

        Raises:
            ConfError: the file ends first, or a long bracket is not closed.
        """
        start, depth, opened_at = self._at, 1, self.line
        while depth:
            match = _LUA.search(self._data, self._at)
            if match is None:
                self.line = opened_at
                raise self.error(
                    "unexpected end of file, expecting terminating characters "
                    "for lua code block"
                )
            self._fill_for(match)
            self._advance(match.start())
            self._advance(self._lua_mark_end(match))
            if match["open"]:
                depth, opened_at = depth + 1, self.line
            elif match["close"]:
                depth -= 1
        return self._data[start : self._at - 1]

    def error(self, text: str) -> ConfError:
        """Return the error *text* at the line that was read last."""
        return ConfError(located(text, self.file, self.line))

    def _fill_for(self, match: re.Match[bytes]) -> None:
        """Fill the buffer as nginx does before it looks for *match*."""
        if self._filled - self._at < BUFFER // 2:
            self._fill(self._at)
        if match.end() > self._filled:
            self._fill(match.start())

    def _fill(self, kept: int) -> None:
        self._kept = kept
        self._filled = min(kept + BUFFER, len(self._data))

    def _lua_mark_end(self, match: re.Match[bytes]) -> int:
        if match["level"] is None:
            return match.end()
        bracket = b"]%b]" % match["level"]
        found = self._data.find(bracket, match.end(), self._filled)
        if found < 0:
            raise self.error(
                f'Lua code block missing the closing long bracket "{bracket.decode()}"'
                ", the inlined Lua code may be too long"
            )
        return found + len(bracket)

    def _skip_blank(self) -> bytes:
        """Go to the next mark or word and return its first byte."""
        while True:
            space = _SPACE.match(self._data, self._at)
            assert space is not None
            self._keep_last_of(space)
            self._advance(space.end())
            if self._peek() != b"#":
                return self._peek()
            end = self._data.find(b"\n", self._at)
            end = len(self._data) if end < 0 else end
            self._check_length(self._at, end, b"")
            self._advance(end)

    def _keep_last_of(self, space: re.Match[bytes]) -> None:
        """Read white space and the byte behind it; nginx keeps the last byte."""
        if space.start() >= self._filled:
            self._fill(self._kept)
        while space.end() >= self._filled < len(self._data):
            self._fill(self._filled - 1)
        self._kept = space.end()

    def _end(self, words: list[str], mark: bytes) -> Statement:
        end = mark.decode()
        if mark == b"" and words:
            raise self._unexpected_end()
        if mark == b"}" and words:
            raise self.error('unexpected "}"')
        if mark in (b";", b"{") and not words:
            raise self.error(f'unexpected "{end}"')
        self._at += len(mark)
        return Statement(words, end, self.line)

    def _word(self, first: bytes) -> tuple[str, bool]:
        """Read one word and return it, and whether it was quoted."""
        quoted = _QUOTED.get(first)
        start = self._at + (1 if quoted else 0)
        match = (quoted or _BARE).match(self._data, start)
        assert match is not None
        end = match.end()
        # The byte after a quoted word's quote is read before the word is done.
        self._check_length(start, end, first if quoted else b"")
        self._check_length(start, end + 1 if quoted else end, b"")
        if end >= len(self._data):
            self._advance(len(self._data))
            raise self._unexpected_end()
        self._advance(end + 1 if quoted else end)
        word = to_text(_ESCAPE.sub(_unescape, self._data[start:end]))
        return word, quoted is not None

    def _check_after_quote(self) -> None:
        after = self._peek()
        if after == b"":
            raise self._unexpected_end()
        if after not in b" \t\r\n;{)":
            raise self.error(f'unexpected "{to_text(after)}"')

    def _check_length(self, start: int, end: int, quote: bytes) -> None:
        """Raise if the bytes from *start* to *end* do not fit into the buffer."""
        limit = start + BUFFER
        self._kept = start
        if end >= self._filled:
            self._fill(start)
        if not self.file or end < limit or len(self._data) <= limit:
            return
        if quote:
            raise self.error(
                f'too long parameter, probably missing terminating "{quote.decode()}"'
                " character"
            )
        head = to_text(self._data[start : start + 10])
        raise self.error(f'too long parameter "{head}..." started')

    def _unexpected_end(self) -> ConfError:
        if self.file:
            return self.error('unexpected end of file, expecting ";" or "}"')
        return self.error('unexpected end of parameter, expecting ";"')

    def _peek(self) -> bytes:
        return self._data[self._at : self._at + 1]

    def _advance(self, to: int) -> None:
        self.line += self._data.count(b"\n", self._at, to)
        self._at = to


def _unescape(match: re.Match[bytes]) -> bytes:
    return _ESCAPES.get(match[1], match[1])
