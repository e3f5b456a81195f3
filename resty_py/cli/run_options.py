"""The options of ``resty-py run``: those of ``resty``, and ``--lua``.

An option's value is the rest of its word, what follows an ``=`` in it, or the
next word. What begins the script's own words is the first one that is no
option, or what follows ``--``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Options", "UsageError", "conf_quoted", "parse", "usage"]

LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")

USAGE = """\
usage: resty-py run [option]... [script.lua [argument]...]
       resty-py -e CODE [option]... [script.lua [argument]...]

Run a Lua script with the ngx API and without a server.

  -e CODE               run CODE before the script, or alone; may be repeated
  -l LIB                require LIB, in its turn among the -e; may be repeated
  -I DIR                look for modules in DIR first; may be repeated
  -j off|v|dump         JIT compiler: off, or tell what it does (LuaJIT)
  -c NUMBER             connections at most (default: 64)
  --lua FLAVOUR         the Lua to run: luajit21, lua51, lua52, lua53, lua54, lua55
  --errlog-level LEVEL  least severe level that is logged (default: warn)
  --shdict 'NAME SIZE'  a dictionary of ngx.shared; may be repeated
  --ns IP               a nameserver; may be repeated (default: as the system does)
  --resolve-ipv6        look up IPv6 addresses as well
  --http-conf TEXT      directives for http {}; may be repeated
  --main-conf TEXT      directives outside of it; may be repeated
  --http-include PATH   a file of directives for http {}; may be repeated
  --main-include PATH   a file of directives outside of it; may be repeated
  --load-module FILE    load_module; may be repeated
  --no-stream           no stream {}: there is none anyway
  --user-runner CMD     have CMD run all this
  --dump-nginx-conf     print the configuration and exit
  -v, -V                print versions and exit
  -h, --help            print this and exit
  --                    no more options
"""

#: Options of ``resty`` that cannot mean anything here, and why.
_REFUSED = {
    "--stream-conf": "there is no stream module in resty-py",
    "--nginx": "there is no nginx to choose: resty-py runs the script itself",
    **dict.fromkeys(
        ("--gdb", "--gdb-opts", "--rr", "--stap", "--stap-opts", "--valgrind",
         "--valgrind-opts"),
        "it wraps nginx in a debugger; --user-runner takes any command",
    ),
}  # fmt: skip

_SHDICT = re.compile(r"([_a-zA-Z0-9]+) +(\d+[kKmM]?)")


class UsageError(Exception):
    """The command line is wrong, or cannot be obeyed; the text is one line.

    Attributes:
        is_usage: whether the usage helps.
    """

    def __init__(self, text: str, *, is_usage: bool = False) -> None:
        super().__init__(text)
        self.is_usage = is_usage


@dataclass
class Options:
    """What the command line says.

    Attributes:
        inline: pieces of Lua, in order.
        file: the script, or None.
        args: its arguments.
        own: how many words are before those, the script not counted.
        rest: the words that are left without ``--user-runner``.
        show: "help", "version" or "conf": print that instead.
    """

    inline: list[str] = field(default_factory=list)
    file: str | None = None
    args: list[str] = field(default_factory=list)
    own: int = 0
    rest: list[str] = field(default_factory=list)
    show: str | None = None
    flavour: str | None = None
    include: list[str] = field(default_factory=list)
    jit: str | None = None
    connections: int = 64
    level: str = "warn"
    shdicts: list[tuple[str, str]] = field(default_factory=list)
    nameservers: list[str] = field(default_factory=list)
    resolve_ipv6: bool = False
    http_conf: list[str] = field(default_factory=list)
    main_conf: list[str] = field(default_factory=list)
    runner: str | None = None

    @property
    def needs_conf(self) -> bool:
        """Whether there are directives to be read, or what only they can say."""
        return bool(self.http_conf or self.main_conf or self.nameservers)

    @property
    def resolver_words(self) -> list[str]:
        """The words of the directive ``resolver``."""
        return [*self.nameservers, *([] if self.resolve_ipv6 else ["ipv6=off"])]


# Values ----------------------------------------------------------------------


def _inline(options: Options, text: str) -> None:
    options.inline.append(text)


def _library(options: Options, name: str) -> None:
    options.inline.append(f"require({_quoted(name)})")


def _quoted(text: str) -> str:
    """Return a string of Lua."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _jit(options: Options, what: str) -> None:
    if options.jit is not None:
        raise UsageError("-j is given twice")
    if what not in ("off", "v", "dump"):
        raise UsageError(f'-j takes off, v or dump, not "{what}"')
    options.jit = what


def _connections(options: Options, text: str) -> None:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(f'-c takes a number of connections, not "{text}"')
    options.connections = int(text)


def _level(options: Options, level: str) -> None:
    if level not in LEVELS:
        raise UsageError(f'--errlog-level takes {", ".join(LEVELS)}, not "{level}"')
    options.level = level


def _shdict(options: Options, text: str) -> None:
    match = _SHDICT.fullmatch(text)
    if match is None:
        raise UsageError(f"--shdict takes 'NAME SIZE', not '{text}'")
    name, size = match.groups()
    if any(name == other for other, _ in options.shdicts):
        raise UsageError(f'lua_shared_dict "{name}" is already defined as "{name}"')
    options.shdicts.append((name, size))


def _nameserver(options: Options, text: str) -> None:
    options.nameservers.append(text)


def _include(add: Callable[[Options], list[str]]) -> Callable[[Options, str], None]:
    def include(options: Options, path: str) -> None:
        if not os.path.exists(path):
            raise UsageError(f"{path}: no such file")
        add(options).append(f"include {conf_quoted(os.path.abspath(path))};")

    return include


def conf_quoted(text: str) -> str:
    """Return a word of a configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _load_module(options: Options, path: str) -> None:
    options.main_conf.append(f"load_module {conf_quoted(path)};")


def _runner(options: Options, command: str) -> None:
    if not command.strip():
        raise UsageError("--user-runner takes a command")
    options.runner = command


_VALUES: dict[str, Callable[[Options, str], None]] = {
    "-e": _inline,
    "-l": _library,
    "-I": lambda options, folder: options.include.append(folder),
    "-j": _jit,
    "-c": _connections,
    "--lua": lambda options, name: setattr(options, "flavour", name),
    "--errlog-level": _level,
    "--shdict": _shdict,
    "--ns": _nameserver,
    "--http-conf": lambda options, text: options.http_conf.append(text),
    "--main-conf": lambda options, text: options.main_conf.append(text),
    "--http-include": _include(lambda options: options.http_conf),
    "--main-include": _include(lambda options: options.main_conf),
    "--load-module": _load_module,
    "--user-runner": _runner,
}

_FLAGS: dict[str, Callable[[Options], None]] = {
    "--resolve-ipv6": lambda options: setattr(options, "resolve_ipv6", True),
    "--no-stream": lambda _options: None,
    "--dump-nginx-conf": lambda options: setattr(options, "show", "conf"),
    "-v": lambda options: setattr(options, "show", "version"),
    "-V": lambda options: setattr(options, "show", "version"),
    "-h": lambda options: setattr(options, "show", "help"),
    "--help": lambda options: setattr(options, "show", "help"),
}


# Words -----------------------------------------------------------------------


def usage() -> str:
    """Return what ``--help`` prints."""
    return USAGE


def parse(argv: Sequence[str]) -> Options:
    """Return what *argv* says.

    Raises:
        UsageError: it is wrong, or asks for what there is not.
    """
    options = Options()
    place = 0
    while place < len(argv) and argv[place].startswith("-"):
        if argv[place] == "--":
            place += 1
            break
        place = _take(options, argv, place)
    options.own = place
    if place < len(argv):
        options.file, options.args = argv[place], list(argv[place + 1 :])
        options.rest += argv[place:]
    _check(options)
    return options


def _take(options: Options, argv: Sequence[str], place: int) -> int:
    """Take the option at *place*; return where the next word is."""
    name, value = _split(argv[place])
    end = place + 1
    if name in _REFUSED:
        raise UsageError(f"{name}: {_REFUSED[name]}")
    if name in _FLAGS and value is None:
        _FLAGS[name](options)
    elif name in _VALUES:
        if value is None:
            if end == len(argv):
                raise UsageError(f"{name} takes a value", is_usage=True)
            value, end = argv[end], end + 1
        _VALUES[name](options, value)
    else:
        raise UsageError(f'unknown option "{argv[place]}"', is_usage=True)
    if name != "--user-runner":
        options.rest += argv[place:end]
    return end


def _split(word: str) -> tuple[str, str | None]:
    """Return an option's name and the value in its word, if there is one."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    name, value = word[:2], word[2:]
    return name, value.removeprefix("=") if value else None


def _check(options: Options) -> None:
    if options.show or options.runner:
        return
    if options.file is None and not options.inline:
        raise UsageError("neither a Lua file nor -e is given", is_usage=True)
    if options.file is not None and not os.path.isfile(options.file):
        raise UsageError(f"Lua input file {options.file} not found.")
