"""Perl's functions, and those of its modules that test files use.

Each gets the interpreter and the list of its arguments; it returns a scalar,
or a list of values.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import re
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DieError, UnsupportedError
from .regex import Regex, as_regex, quote
from .values import kind_of, number, text, truth

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FUNCTIONS", "split"]

_DIRECTIVE = re.compile(r"%([-+ 0#]*)(\d+|\*)?(?:\.(\d+))?(?:[lhqLV]*)([a-zA-Z%])")
_PACK = re.compile(r"([aACcsSnNvVlLqQHwUB])([<>]?)(\*|\d*)")
_INTEGERS = {
    "C": ">B", "c": ">b", "n": ">H", "N": ">I", "v": "<H", "V": "<I",
    "s": "<h", "S": "<H", "l": "<i", "L": "<I", "q": "<q", "Q": "<Q",
}  # fmt: skip


def _sprintf(arguments: list[Any]) -> str:
    """Return the text that ``sprintf`` makes."""
    rest = list(arguments[1:])

    def fill(match: re.Match[str]) -> str:
        flags, width, precision, letter = match.groups()
        if letter == "%":
            return "%"
        if width == "*":
            width = text(rest.pop(0)) if rest else ""
        value = rest.pop(0) if rest else None
        if letter == "c":
            return chr(int(number(value)))
        spec = f"%{flags}{width or ''}{'.' + precision if precision else ''}"
        if letter == "s":
            return f"{spec}s" % text(value)
        if letter in "diuxXob":
            whole = int(number(value))
            return format(whole, "b") if letter == "b" else f"{spec}{letter}" % whole
        return f"{spec}{letter}" % number(value)

    return _DIRECTIVE.sub(fill, text(arguments[0]))


def _pack(arguments: list[Any]) -> str:
    """Return what ``pack`` makes of its simple forms."""
    template, rest, packed = text(arguments[0]).replace(" ", ""), arguments[1:], ""
    place = 0
    while place < len(template):
        match = _PACK.match(template, place)
        if match is None:
            raise UnsupportedError("such a template of pack")
        place = match.end()
        letter, order, count = match.groups()
        if letter in "aAH":
            packed += _pack_text(letter, count, text(rest[0]))
            rest = rest[1:]
            continue
        if letter not in _INTEGERS:
            raise UnsupportedError(f"pack of {letter}")
        times = len(rest) if count == "*" else int(count or 1)
        form = (order or _INTEGERS[letter][0]) + _INTEGERS[letter][1]
        for value in rest[:times]:
            mask = (1 << 8 * struct.calcsize(form)) - 1
            packed_value = int(number(value)) & mask
            form_unsigned = form[0] + form[1].upper()
            packed += struct.pack(form_unsigned, packed_value).decode("latin-1")
        rest = rest[times:]
    return packed


def _pack_text(letter: str, count: str, string: str) -> str:
    if letter == "H":
        digits = string if count == "*" else string[: int(count or 1)]
        return bytes.fromhex(digits + "0" * (len(digits) % 2)).decode("latin-1")
    if count == "*":
        return string
    size = int(count or 1)
    return string[:size].ljust(size, "\0" if letter == "a" else " ")


def split(arguments: list[Any]) -> list[Any]:
    """Return the parts of a text: a pattern or ``" "``, the text and a limit."""
    pattern = arguments[0] if arguments else " "
    string = text(arguments[1]) if len(arguments) > 1 else ""
    limit = int(number(arguments[2])) if len(arguments) > 2 else 0
    if pattern == " ":
        string, pattern = string.lstrip(), Regex(r"\s+")
    parts: list[Any] = []
    start = 0
    for match in as_regex(pattern).find(string):
        if limit > 0 and len(parts) >= limit - 1:
            break
        if match.end == match.start and match.start in (0, len(string)):
            continue
        parts += [string[start : match.start], *match.groups]
        start = match.end
    parts.append(string[start:])
    while not limit and parts and not parts[-1]:
        parts.pop()
    return parts


def _substr(arguments: list[Any]) -> str | None:
    string, offset = text(arguments[0]), int(number(arguments[1]))
    if offset < 0:
        offset += len(string)
    if len(arguments) > 3:
        raise UnsupportedError("substr with a replacement")
    if len(arguments) < 3 or arguments[2] is None:
        return string[offset:]
    length = int(number(arguments[2]))
    return string[offset : offset + length] if length >= 0 else string[offset:length]


def _die(arguments: list[Any]) -> Any:
    raise DieError("".join(map(text, arguments)) or "Died")


def _readpipe(interpreter: Any, arguments: list[Any]) -> str:
    """Return the output of a command: backticks."""
    done = subprocess.run(
        text(arguments[0]),
        shell=True,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=_environment(interpreter),
        check=False,
    )
    return done.stdout.decode("latin-1")


def _system(interpreter: Any, arguments: list[Any]) -> int:
    words = [text(argument) for argument in arguments]
    done = subprocess.run(
        words[0] if len(words) == 1 else words,
        shell=len(words) == 1,
        stdin=subprocess.DEVNULL,
        env=_environment(interpreter),
        check=False,
    )
    return done.returncode << 8 if done.returncode >= 0 else -done.returncode


def _environment(interpreter: Any) -> dict[str, str]:
    variables: dict[str, Any] = interpreter.variable("%", "main::ENV")
    return {k: text(value) for k, value in variables.items() if value is not None}


def _reverse(arguments: list[Any]) -> list[Any]:
    return arguments[::-1]


def _join(arguments: list[Any]) -> str:
    return text(arguments[0]).join(map(text, arguments[1:]))


def _file_test(check: Callable[[Path], bool]) -> Callable[[Any, list[Any]], Any]:
    return lambda _, arguments: 1 if check(Path(text(arguments[0]))) else ""


def _digest(name: str) -> Callable[[list[Any]], str]:
    return lambda a: hashlib.new(
        name, "".join(map(text, a)).encode("latin-1")
    ).hexdigest()


def _encode_base64(arguments: list[Any]) -> str:
    raw = text(arguments[0]).encode("latin-1")
    ending = text(arguments[1]) if len(arguments) > 1 else "\n"
    encoded = base64.b64encode(raw).decode()
    lines = [encoded[i : i + 76] + ending for i in range(0, len(encoded), 76)]
    return "".join(lines)


def _index(find: Callable[[str, str], int]) -> Callable[[list[Any]], int]:
    return lambda a: find(text(a[0]), text(a[1]))


def _warn(arguments: list[Any]) -> int:
    os.write(2, "".join(map(text, arguments)).encode("latin-1"))
    return 1


def _plain(function: Callable[[list[Any]], Any]) -> Callable[[Any, list[Any]], Any]:
    return lambda _, arguments: function(arguments)


def _texts(function: Callable[[str], Any]) -> Callable[[Any, list[Any]], Any]:
    """Return a function of one text, ``$_`` if there is no argument."""

    def call(interpreter: Any, arguments: list[Any]) -> Any:
        if not arguments:
            arguments = [interpreter.variable("$", "_").value]
        return function(text(arguments[0]))

    return call


FUNCTIONS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "join": _plain(_join),
    "sprintf": _plain(_sprintf),
    "pack": _plain(_pack),
    "substr": _plain(_substr),
    "reverse": _plain(_reverse),
    "index": _plain(_index(lambda a, b: a.find(b))),
    "rindex": _plain(_index(lambda a, b: a.rfind(b))),
    "die": _plain(_die),
    "croak": _plain(_die),
    "warn": _plain(_warn),
    "print": _plain(_warn),
    "diag": _plain(_warn),
    "ref": _plain(lambda a: kind_of(a[0])),
    "lc": _texts(str.lower),
    "uc": _texts(str.upper),
    "lcfirst": _texts(lambda s: s[:1].lower() + s[1:]),
    "ucfirst": _texts(lambda s: s[:1].upper() + s[1:]),
    "length": _texts(len),
    "quotemeta": _texts(quote),
    "ord": _texts(lambda s: ord(s[0]) if s else 0),
    "chr": _plain(lambda a: chr(int(number(a[0])))),
    "int": _plain(lambda a: int(number(a[0]))),
    "abs": _plain(lambda a: abs(number(a[0]))),
    "hex": _texts(lambda s: int(s.removeprefix("0x") or "0", 16)),
    "oct": _texts(lambda s: int(s, 0) if s[:2].lower() in ("0x", "0b") else int(s, 8)),
    "keys": _plain(lambda a: a[::2]),
    "values": _plain(lambda a: a[1::2]),
    "close": _plain(lambda _a: 1),
    "binmode": _plain(lambda _a: 1),
    "time": _plain(lambda _a: int(time.time())),
    "rand": _plain(lambda a: random.random() * (number(a[0]) if a else 1)),
    "readpipe": _readpipe,
    "system": _system,
    "-e": _file_test(Path.exists),
    "-f": _file_test(Path.is_file),
    "-d": _file_test(Path.is_dir),
    "-r": _file_test(lambda path: os.access(path, os.R_OK)),
    "-x": _file_test(lambda path: os.access(path, os.X_OK)),
    "-s": _plain(lambda a: Path(text(a[0])).stat().st_size),
    "abs_path": _texts(os.path.realpath),
    "realpath": _texts(os.path.realpath),
    "cwd": _plain(lambda _a: str(Path.cwd())),
    "getcwd": _plain(lambda _a: str(Path.cwd())),
    "dirname": _texts(lambda s: os.path.dirname(s.rstrip("/")) or "."),
    "basename": _texts(lambda s: os.path.basename(s.rstrip("/"))),
    "md5_hex": _plain(_digest("md5")),
    "sha1_hex": _plain(_digest("sha1")),
    "encode_base64": _plain(_encode_base64),
    "decode_base64": _texts(lambda s: base64.b64decode(s).decode("latin-1")),
    "wantarray": _plain(lambda _a: 1),
    "lock": _plain(lambda a: truth(a[0])),
}
