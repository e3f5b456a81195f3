"""A ``.t`` file, ready to run: its settings and its blocks with their values.

The code before the data is run by the small evaluator; where that does not
know something, the system's perl runs the file instead, with functions of the
same names that only note what they are called with.

Rules:

1. A value is worked out when it is first asked for, so what no check looks at
   (systemtap's sections) is never evaluated.
2. The environment of a file is a copy: what its code sets reaches its own
   configuration, its server and its blocks, and nobody else.
3. ``$TEST_NGINX_NAME`` in configuration and files is that variable's value.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import dataformat, systemperl
from .perl import Interpreter, PerlError, UnsupportedError
from .perl.errors import DieError
from .perl.values import text
from .settings import Settings, SkipFile, functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .dataformat import RawBlock

__all__ = ["Block", "BlockError", "SkipFile", "Suite"]

_VARIABLE = re.compile(r"\$(TEST_NGINX_[_A-Z0-9]+)|\$\{(TEST_NGINX_[_A-Z0-9]+)\}")

#: Modules whose functions the evaluator has, or that change nothing it does.
_KNOWN = re.compile(
    r"Test::Nginx\b|(?:strict|warnings|utf8|lib|vars|feature|constant|bytes"
    r"|Cwd|File::Basename|File::Spec|POSIX|MIME::Base64|Digest::MD5|Digest::SHA"
    r"|Test::More|Test::LongString|List::Util|IO::Socket\S*|Time::HiRes|v?[\d.]+)$"
)


class BlockError(Exception):
    """A block cannot be run as it is written; the text says why."""


@dataclass
class Block:
    """A block and the values of its sections.

    Attributes:
        raw: as it is written.
        suite: the file it is in.
    """

    raw: RawBlock
    suite: Suite
    _values: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.raw.name

    @property
    def number(self) -> int:
        """Its place in the file, from 1."""
        return self.raw.number

    def has(self, name: str) -> bool:
        """Tell whether it has a section with a value."""
        return name in self._values or name in self.raw.sections

    def value(self, name: str) -> Any:
        """Return the value of a section, or None.

        Raises:
            BlockError: nothing here can work it out.
        """
        if name not in self._values:
            section = self.raw.sections.get(name)
            if section is None:
                return None
            try:
                self._values[name] = self.suite.evaluate(self, section)
            except dataformat.FormatError as exc:
                raise BlockError(str(exc)) from None
        return self._values[name]

    def text(self, name: str) -> str | None:
        """Return the value of a section as text, or None."""
        value = self.value(name)
        return None if value is None else text(value)

    def number_of(self, name: str, default: float) -> float:
        """Return the value of a section as a number of seconds or another."""
        value = (self.text(name) or "").strip()
        if not value:
            return default
        match = re.fullmatch(r"([\d.]+)\s*(ms|s|m|min)?", value)
        if match is None:
            raise BlockError(f"{name}: {value} is no number")
        factor = {"ms": 0.001, "m": 60.0, "min": 60.0}.get(match[2] or "", 1.0)
        return float(match[1]) * factor

    def configuration(self, name: str) -> str:
        """Return the value of a section with the environment filled in."""
        return self.suite.expand(self.text(name) or "")

    def set_value(self, name: str, value: Any) -> None:
        """Give a section a value."""
        self._values[name] = value

    def call_method(self, name: str, arguments: Sequence[Any]) -> Any:
        """Answer the calls of Perl code."""
        if name == "set_value":
            self.set_value(text(arguments[0]), arguments[1] if arguments[1:] else None)
            return None
        if name in ("name", "description"):
            return self.name
        return self.value(name)


class Suite:
    """A ``.t`` file.

    Args:
        path: the file.
        environment: the variables that its code sees.
        places: values of ``html_dir``, ``server_root`` and their like.
        nginx_version: ``$Test::Nginx::Util::NginxVersion``.

    Attributes:
        path, environment: as given; its code may have changed the latter.
        settings: what its code has set.
        blocks: those that are to be run.

    Raises:
        SkipFile: it asks to be left out, or nothing here can run its code.
        FormatError: its data is none.
        PerlError: its code is no Perl, or died.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str],
        places: Mapping[str, str],
        nginx_version: float = 0,
    ) -> None:
        self.path = path
        self.environment: dict[str, Any] = dict(environment)
        self.settings = Settings()
        self._text = path.read_bytes().removeprefix(BOM_UTF8).decode("latin-1")
        code, data, lines = dataformat.split_file(self._text)
        raw = dataformat.chosen(dataformat.parse(data, lines))
        self._functions = functions(self.settings, places, len(raw))
        self._interpreter = Interpreter(self._functions, self._use, str(path))
        self._interpreter.variable("%", "main::ENV").update(self.environment)
        self.environment = self._interpreter.variable("%", "main::ENV")
        version = self._interpreter.variable("$", "Test::Nginx::Util::NginxVersion")
        version.value = nginx_version
        self.blocks = [Block(block, self) for block in raw]
        self._places = dict(places)
        self._version = nginx_version
        self._run(code)

    def _run(self, code: str) -> None:
        before = dict(self.environment)
        try:
            self._interpreter.run(code)
            for block in self.blocks:
                for preprocess in self.settings.preprocessors:
                    self._interpreter.call(preprocess, block)
        except UnsupportedError as exc:
            self.environment.clear()
            self.environment.update(before)
            self._run_by_perl(exc)
        except DieError as exc:
            raise PerlError(f"its code died: {exc}") from None

    def _use(self, module: str, arguments: list[Any]) -> None:
        """Do what ``use MODULE ARGUMENTS`` does."""
        if arguments[:1] == ["skip_all"]:
            raise SkipFile(text(arguments[1] if arguments[1:] else ""))
        if arguments[:1] == ["tests"]:
            self._functions["plan"](self._interpreter, arguments)
        if _KNOWN.match(module):
            return
        path = Path(*module.split("::")).with_suffix(".pm")
        for folder in (Path(), Path("lib"), Path("t/lib")):
            if (folder / path).exists():
                source = (folder / path).read_bytes().decode("latin-1")
                self._interpreter.run(source)
                self._interpreter.run("package main;")
                return
        raise UnsupportedError(f"the module {module}")

    def evaluate(self, block: Block, section: dataformat.RawSection) -> Any:
        """Return the value of a section.

        Raises:
            BlockError: neither the evaluator nor a perl could work it out.
        """

        def run(code: str) -> Any:
            try:
                values = self._interpreter.evaluate(code)
            except DieError as exc:
                return text(exc.value)
            except PerlError as exc:
                return self._ask_perl(block, section.name, exc)
            return values[0] if values else None

        return section.value(run)

    def evaluate_code(self, block: Block, code: str) -> Any:
        """Return the value of a piece of Perl.

        Raises:
            BlockError: the evaluator could not work it out.
        """
        try:
            values = self._interpreter.evaluate(code)
        except PerlError as exc:
            raise BlockError(f"block {block.number}: {exc}") from None
        return values[-1] if values else None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a sub of the file."""
        return self._interpreter.call(function, *arguments)

    # The system's perl ------------------------------------------------------------

    @cached_property
    def _recording(self) -> systemperl.Recording:
        return systemperl.record(
            self.path, self._text, self._places, self.environment, self._version
        )

    def _ask_perl(self, block: Block, name: str, reason: PerlError) -> Any:
        try:
            values = self._recording.blocks[block.number]
        except (systemperl.PerlUnavailableError, PerlError) as exc:
            raise BlockError(f"{exc} ({reason})") from None
        except KeyError:
            raise BlockError(f"perl could not evaluate it ({reason})") from None
        if name not in values:
            raise BlockError(f"perl could not evaluate {name} ({reason})")
        # What the code of one section sets, another may use.
        for other, section in block.raw.sections.items():
            if "eval" in section.filters and other in values:
                block.set_value(other, values[other])
        return values[name]

    def _run_by_perl(self, reason: UnsupportedError) -> None:
        """Take the file's settings and values from the system's perl."""
        try:
            recording = self._recording
        except systemperl.PerlUnavailableError as exc:
            raise SkipFile(f"{exc} ({reason})") from None
        for name, arguments in recording.calls:
            if name in self._functions:
                self._functions[name](self._interpreter, arguments)
        self.environment.update(recording.environment)
        self.settings.preprocessors.clear()
        for block in self.blocks:
            for name, value in recording.blocks.get(block.number, {}).items():
                block.set_value(name, value)

    # Environment ------------------------------------------------------------------

    def expand(self, configuration: str) -> str:
        """Return text with the values of ``$TEST_NGINX_…`` in it.

        Raises:
            BlockError: one has no value.
        """

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if self.environment.get(name) is None:
                raise BlockError(f"No environment {name} defined.")
            return text(self.environment[name])

        return _VARIABLE.sub(value, configuration)
